(* A layer is a partial index map: the three sums, and why two of them are its gradients.

   O, U, A and W are any finite types: outputs, the taps of an output, inputs, weights. `reads o u` is the input that
   output o reads through tap u, or None; `weight o u` is the weight that it is multiplied by. *)

From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finset finfun bigop ssralg ssrAC.
From Convproof Require Import Arrays.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section IndexMap.

Variables (R : comRingType) (O U A W : finType).
Variables (reads : O -> U -> option A) (weight : O -> U -> W).
Implicit Types (x dx ddx : array R A) (w dw ddw : array R W) (g dg : array R O).

(* y[o] = sum over u of x[reads(o, u)] * w[weight(o, u)] *)
Definition layer x w : array R O := [ffun o => \sum_u entry x (reads o u) * w (weight o u)].

(* dw[v] = sum over weight(o, u) = v of g[o] * x[reads(o, u)] *)
Definition weight_gradient g x : array R W :=
  [ffun v => \sum_o \sum_(u | weight o u == v) g o * entry x (reads o u)].

(* dx[a] = sum over reads(o, u) = a of g[o] * w[weight(o, u)] *)
Definition input_gradient g w : array R A :=
  [ffun a => \sum_o \sum_(u | reads o u == Some a) g o * w (weight o u)].

Theorem weight_gradient_is_adjoint g x w : inner g (layer x w) = inner (weight_gradient g x) w.
Proof.
have ->: inner (weight_gradient g x) w = \sum_v \sum_o \sum_(u | weight o u == v) g o * entry x (reads o u) * w v.
  by apply: eq_bigr => v _; rewrite ffunE mulr_suml; apply: eq_bigr => o _; rewrite mulr_suml.
rewrite exchange_big; apply: eq_bigr => o _ /=.
rewrite ffunE mulr_sumr (partition_big (weight o) predT) //=.
by apply: eq_bigr => v _; apply: eq_bigr => u /eqP <-; rewrite mulrA.
Qed.

Theorem input_gradient_is_adjoint g x w : inner g (layer x w) = inner (input_gradient g w) x.
Proof.
have ->: inner (input_gradient g w) x = \sum_a \sum_o \sum_(u | reads o u == Some a) g o * w (weight o u) * x a.
  by apply: eq_bigr => a _; rewrite ffunE mulr_suml; apply: eq_bigr => o _; rewrite mulr_suml.
rewrite exchange_big; apply: eq_bigr => o _ /=.
rewrite ffunE mulr_sumr (exchange_big_dep predT) //=; apply: eq_bigr => u _.
case: (reads o u) => [a|]; last by rewrite mul0r mulr0 big_pred0_eq.
rewrite (big_pred1 a) => [|b]; last exact: eq_sym.
by rewrite -mulrA [x a * _]mulrC.
Qed.

Theorem layer_is_bilinear : is_bilinear layer.
Proof.
split=> [w c x x' | x c w w']; apply/ffunP => o; rewrite !ffunE scaleE mulr_sumr -big_split; apply: eq_bigr => u _ /=.
  by rewrite entry_linear mulrDl mulrA.
by rewrite !ffunE scaleE mulrDr mulrCA.
Qed.

Theorem weight_gradient_is_bilinear : is_bilinear weight_gradient.
Proof.
split=> [x c g g' | g c x x']; apply/ffunP => v; rewrite !ffunE scaleE mulr_sumr -big_split; apply: eq_bigr => o _ /=;
  rewrite mulr_sumr -big_split; apply: eq_bigr => u _ /=.
  by rewrite !ffunE scaleE mulrDl mulrA.
by rewrite entry_linear mulrDr mulrCA.
Qed.

Theorem input_gradient_is_bilinear : is_bilinear input_gradient.
Proof.
split=> [w c g g' | g c w w']; apply/ffunP => a; rewrite !ffunE scaleE mulr_sumr -big_split; apply: eq_bigr => o _ /=;
  rewrite mulr_sumr -big_split; apply: eq_bigr => u _ /=; rewrite !ffunE scaleE.
  by rewrite mulrDl mulrA.
by rewrite mulrDr mulrCA.
Qed.

(* A step e in the directions dx and dw: the loss <g, y> grows by e times both gradients' products, up to e^2. *)
Theorem gradients_are_the_derivatives g x dx w dw (e : R) :
  inner g (layer (e *: dx + x) (e *: dw + w)) =
  inner g (layer x w) + e * (inner (input_gradient g w) dx + inner (weight_gradient g x) dw)
  + e ^+ 2 * inner g (layer dx dw).
Proof.
have [lin_x lin_w] := layer_is_bilinear.
rewrite lin_x !lin_w !inner_is_linear_form -weight_gradient_is_adjoint -input_gradient_is_adjoint.
by rewrite !mulrDr mulrA -expr2 [LHS](AC (2*2) (4*(2*3)*1)).
Qed.

(* The gradients of the gradients: the same for the number that two cotangents ddx and ddw make of both gradients. *)
Theorem gradients_of_the_gradients ddx ddw g dg x dx w dw (e : R) :
  let number g x w := inner ddx (input_gradient g w) + inner ddw (weight_gradient g x) in
  number (e *: dg + g) (e *: dx + x) (e *: dw + w) =
  number g x w
  + e * (inner (layer ddx w + layer x ddw) dg + inner (input_gradient g ddw) dx + inner (weight_gradient g ddx) dw)
  + e ^+ 2 * number dg dx dw.
Proof.
move=> number; have [lin_x lin_w] := layer_is_bilinear.
have numberE g1 x1 w1: number g1 x1 w1 = inner g1 (layer ddx w1 + layer x1 ddw).
  rewrite /number innerC -input_gradient_is_adjoint [inner ddw _]innerC -weight_gradient_is_adjoint.
  by rewrite inner_add.
have ->: inner (input_gradient g ddw) dx = inner g (layer dx ddw) by rewrite input_gradient_is_adjoint.
have ->: inner (weight_gradient g ddx) dw = inner g (layer ddx dw) by rewrite weight_gradient_is_adjoint.
rewrite !numberE lin_x lin_w addrACA -scalerDr inner_is_linear_form !inner_linear_left [inner (_ + _) dg]innerC.
rewrite [inner g (layer ddx dw + _)]inner_add !mulrDr mulrA -expr2.
by rewrite [LHS](AC (1*2*2) (5*(4*3*2)*1)).
Qed.

(* Shifts, reflections and all other maps of the indices that `reads` respects commute with the layer. *)
Theorem symmetries_of_reads_commute_with_the_layer (s : O -> O) (t : A -> A) :
  (forall o u, reads (s o) u = omap t (reads o u)) -> (forall o u, weight (s o) u = weight o u) ->
  forall x w, layer [ffun a => x (t a)] w = [ffun o => layer x w (s o)].
Proof.
move=> reads_s weight_s x w; apply/ffunP => o; rewrite !ffunE; apply: eq_bigr => u _.
by rewrite reads_s weight_s; case: (reads o u) => [a|] //=; rewrite ffunE.
Qed.

End IndexMap.
