(* What `certify` rests on: basis arrays show the index map, in the layer and its gradients, and decide all three. *)

From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finset finfun bigop ssralg.
From Convproof Require Import Arrays IndexMap.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Basis.

Variables (R : comRingType) (O U A W : finType).
Variables (reads : O -> U -> option A) (weight : O -> U -> W).

(* The taps of output o that multiply input a by weight v: one, or none, where weights are named by taps. *)
Definition taps o a v : {set U} := [set u | (reads o u == Some a) && (weight o u == v)].

Lemma entry_basis (a : A) (i : option A) : entry (basis R a) i = (i == Some a)%:R.
Proof. by case: i => [b|] //=; rewrite ffunE. Qed.

Lemma count_taps o a v : \sum_(u | weight o u == v) (reads o u == Some a)%:R = #|taps o a v|%:R :> R.
Proof.
rewrite -sum1_card natr_sum [RHS](eq_bigl (fun u => (weight o u == v) && (reads o u == Some a))) => [|u].
  by rewrite [RHS]big_mkcondr; apply: eq_bigr => u _; case: eqP.
by rewrite inE andbC.
Qed.

Theorem layer_on_basis_pairs a v o : layer reads weight (basis R a) (basis R v) o = #|taps o a v|%:R.
Proof.
rewrite ffunE -count_taps [RHS]big_mkcond; apply: eq_bigr => u _ /=.
by rewrite entry_basis ffunE; case: (weight o u == v); rewrite ?mulr1 ?mulr0.
Qed.

Theorem weight_gradient_on_basis_pairs o a v :
  weight_gradient reads weight (basis R o) (basis R a) v = #|taps o a v|%:R.
Proof. by rewrite -layer_on_basis_pairs -inner_basis -weight_gradient_is_adjoint innerC inner_basis. Qed.

Theorem input_gradient_on_basis_pairs o v a :
  input_gradient reads weight (basis R o) (basis R v) a = #|taps o a v|%:R.
Proof. by rewrite -layer_on_basis_pairs -inner_basis -input_gradient_is_adjoint innerC inner_basis. Qed.

(* Any implementation that is bilinear and right on basis pairs is right on all arrays. *)
Theorem basis_pairs_decide_the_layer (f : array R A -> array R W -> array R O) :
  is_bilinear f -> (forall a v o, f (basis R a) (basis R v) o = #|taps o a v|%:R) ->
  forall x w, f x w = layer reads weight x w.
Proof.
move=> bilinear right; apply: (basis_pairs_decide_bilinear_maps bilinear (layer_is_bilinear R reads weight)) => a v.
by apply/ffunP => o; rewrite right layer_on_basis_pairs.
Qed.

Theorem basis_pairs_decide_the_weight_gradient (f : array R O -> array R A -> array R W) :
  is_bilinear f -> (forall o a v, f (basis R o) (basis R a) v = #|taps o a v|%:R) ->
  forall g x, f g x = weight_gradient reads weight g x.
Proof.
move=> bilinear right.
apply: (basis_pairs_decide_bilinear_maps bilinear (weight_gradient_is_bilinear R reads weight)) => o a.
by apply/ffunP => v; rewrite right weight_gradient_on_basis_pairs.
Qed.

Theorem basis_pairs_decide_the_input_gradient (f : array R O -> array R W -> array R A) :
  is_bilinear f -> (forall o v a, f (basis R o) (basis R v) a = #|taps o a v|%:R) ->
  forall g w, f g w = input_gradient reads weight g w.
Proof.
move=> bilinear right.
apply: (basis_pairs_decide_bilinear_maps bilinear (input_gradient_is_bilinear R reads weight)) => o v.
by apply/ffunP => a; rewrite right input_gradient_on_basis_pairs.
Qed.

End Basis.

(* Where weights are named by taps, a layer has one index map alone: it can be read off. *)
Theorem equal_layers_have_equal_index_maps (R : comRingType) (O U A : finType) (reads reads' : O -> U -> option A) :
  let tap (o : O) (u : U) := u in
  (forall (x : array R A) (w : array R U), layer reads tap x w = layer reads' tap x w) ->
  forall o u, reads o u = reads' o u.
Proof.
move=> tap same o u.
have read (r : O -> U -> option A) a : layer r tap (basis R a) (basis R u) o = (r o u == Some a)%:R.
  rewrite ffunE (bigD1 u) //= entry_basis ffunE eqxx mulr1 big1 ?addr0 // => v ne_vu.
  by rewrite ffunE (negPf ne_vu) mulr0.
have agree a : (reads o u == Some a) = (reads' o u == Some a).
  have := read reads a; rewrite same read.
  by do 2!case: (_ == _) => //; move/eqP; rewrite ?[0 == 1]eq_sym oner_eq0.
case def: (reads o u) => [a|]; first by apply/esym/eqP; rewrite -agree def.
by case def': (reads' o u) => [a|] //; have := agree a; rewrite def def' eqxx.
Qed.
