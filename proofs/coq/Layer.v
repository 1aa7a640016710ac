(* The convolution layer: any number of axes, each with its stride, dilation and padding; batch, channels and groups. *)

From Coq Require Import ZArith.
From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq div choice fintype finfun bigop ssralg.
From Convproof Require Import Arrays IndexMap Axis.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* One index for each axis, below that axis's size. *)
Definition position d (sizes : 'I_d -> Z) := {dffun forall i : 'I_d, 'I_(Z.to_nat (sizes i))}.

Definition coordinate d (sizes : 'I_d -> Z) (p : position sizes) (i : 'I_d) : Z := Z.of_nat (p i).

(* The input channel that output channel c reads with the j-th slice of its weights. *)
Definition channel (group_in group_out c j : nat) : nat := c %/ group_out * group_in + j.

Record geometry := Geometry {
  ndim : nat;
  axes : 'I_ndim -> axis;
  border : boundary;
  groups : nat;
  group_in : nat; (* input channels of a group *)
  group_out : nat (* output channels of a group *)
}.

Section Geometry.

Variable l : geometry.

Definition input_position := position (fun i : 'I_(ndim l) => input_size (axes i)).
Definition kernel_position := position (fun i : 'I_(ndim l) => kernel_size (axes i)).
Definition output_position := position (fun i : 'I_(ndim l) => output_size (axes i)).

(* The position that output o reads through tap u on an axis, or None outside of the input. *)
Definition axis_reads (i : 'I_(ndim l)) (o u : Z) : option nat :=
  inside (border l) (input_size (axes i)) (cell (axes i) o u).

(* On all axes at once: None where it is None on one of them. *)
Definition reads (o : output_position) (u : kernel_position) : option input_position :=
  [pick a : input_position | [forall i, axis_reads i (coordinate o i) (coordinate u i) == Some (a i : nat)]].

Theorem reads_is_what_each_axis_reads o u a :
  reads o u = Some a <-> forall i, axis_reads i (coordinate o i) (coordinate u i) = Some (a i : nat).
Proof.
rewrite /reads; case: pickP => [b /forallP eq_b | none].
  split=> [[<-] i | eq_a]; first exact/eqP.
  by congr Some; apply/ffunP => i; apply: val_inj; apply: Some_inj; rewrite -eq_a -(eqP (eq_b i)).
split=> // eq_a; have /forallP[] := negbT (none a).
by move=> i; apply/eqP.
Qed.

Definition in_channel := 'I_(groups l * group_in l).
Definition out_channel := 'I_(groups l * group_out l).

Lemma channel_bound (c : out_channel) (j : 'I_(group_in l)) :
  (channel (group_in l) (group_out l) c j < groups l * group_in l)%N.
Proof.
have ltn_group: (c %/ group_out l < groups l)%N.
  rewrite ltn_divLR ?ltn_ord //; case: posnP => // none; case: (c) => m.
  by rewrite none muln0.
rewrite /channel; apply: (@leq_trans ((c %/ group_out l).+1 * group_in l)); last by rewrite leq_mul2r ltn_group orbT.
by rewrite mulSn addnC ltn_add2r.
Qed.

Definition reads_channel (c : out_channel) (j : 'I_(group_in l)) : in_channel := Ordinal (channel_bound c j).

Section Sums.

Variables (R : comRingType) (batch : nat).

(* y[n, c, o], x[n, i, a] and w[c, j, u]. *)
Definition outputs := [finType of 'I_batch * out_channel * output_position].
Definition inputs := [finType of 'I_batch * in_channel * input_position].
Definition weights := [finType of out_channel * 'I_(group_in l) * kernel_position].
Definition taps := [finType of 'I_(group_in l) * kernel_position].

Implicit Types (x dx ddx : array R inputs) (w dw ddw : array R weights) (g dg : array R outputs).

Definition conv_reads (o : outputs) (u : taps) : option inputs :=
  omap (fun a => (o.1.1, reads_channel o.1.2 u.1, a)) (reads o.2 u.2).

Definition conv_weight (o : outputs) (u : taps) : weights := (o.1.2, u.1, u.2).

Definition conv := layer conv_reads conv_weight (R := R).
Definition conv_weight_gradient := weight_gradient conv_reads conv_weight (R := R).
Definition conv_input_gradient := input_gradient conv_reads conv_weight (R := R).

Lemma sum_pair (I J : finType) (F : I * J -> R) : \sum_p F p = \sum_i \sum_j F (i, j).
Proof. by rewrite pair_bigA; apply: eq_bigr => -[]. Qed.

(* The three sums as numeric.definition writes them. *)
Theorem conv_is_the_sum x w n c o :
  conv x w (n, c, o) =
  \sum_j \sum_u (if reads o u is Some a then x (n, reads_channel c j, a) else 0) * w (c, j, u).
Proof.
rewrite ffunE pair_bigA /=; apply: eq_bigr => [[j u]] _; congr (_ * _).
by rewrite /conv_reads /=; case: (reads o u).
Qed.

Theorem conv_weight_gradient_is_the_sum g x c j u :
  conv_weight_gradient g x (c, j, u) =
  \sum_n \sum_o g (n, c, o) * (if reads o u is Some a then x (n, reads_channel c j, a) else 0).
Proof.
rewrite ffunE !sum_pair.
apply: eq_bigr => n _ /=; rewrite (bigD1 c) //= [X in _ + X]big1 ?addr0 => [|c' ne_c'c].
  apply: eq_bigr => o _; rewrite (big_pred1 (j, u)) => [|[j' u']]; last by rewrite /conv_weight !xpair_eqE eqxx.
  by congr (_ * _); rewrite /conv_reads /=; case: (reads o u).
rewrite big1 // => o _; rewrite big_pred0 // => u'.
by rewrite /conv_weight !xpair_eqE (negPf ne_c'c).
Qed.

Theorem conv_input_gradient_is_the_sum g w n i a :
  conv_input_gradient g w (n, i, a) =
  \sum_c \sum_(j | reads_channel c j == i) \sum_o \sum_(u | reads o u == Some a) g (n, c, o) * w (c, j, u).
Proof.
have reads_is o u: (conv_reads o u == Some (n, i, a)) =
    [&& o.1.1 == n, reads_channel o.1.2 u.1 == i & reads o.2 u.2 == Some a].
  rewrite /conv_reads; case: (reads o.2 u.2) => [b|] /=; last by rewrite !andbF.
  by rewrite !(inj_eq Some_inj) !xpair_eqE andbA.
rewrite ffunE !sum_pair (bigD1 n) //= [X in _ + X]big1 ?addr0 => [|n' ne_n'n]; last first.
  by rewrite big1 // => c _; rewrite big1 // => o _; rewrite big_pred0 // => u; rewrite reads_is (negPf ne_n'n).
apply: eq_bigr => c _; rewrite [RHS]exchange_big; apply: eq_bigr => o _ /=.
by rewrite pair_big /=; apply: eq_big => [[j u]|[j u] _] //=; rewrite reads_is eqxx.
Qed.

Theorem conv_is_bilinear : is_bilinear conv.
Proof. exact: layer_is_bilinear. Qed.

Theorem conv_weight_gradient_is_adjoint g x w : inner g (conv x w) = inner (conv_weight_gradient g x) w.
Proof. exact: weight_gradient_is_adjoint. Qed.

Theorem conv_input_gradient_is_adjoint g x w : inner g (conv x w) = inner (conv_input_gradient g w) x.
Proof. exact: input_gradient_is_adjoint. Qed.

Theorem conv_gradients_are_the_derivatives g x dx w dw (e : R) :
  inner g (conv (e *: dx + x) (e *: dw + w)) =
  inner g (conv x w) + e * (inner (conv_input_gradient g w) dx + inner (conv_weight_gradient g x) dw)
  + e ^+ 2 * inner g (conv dx dw).
Proof. exact: gradients_are_the_derivatives. Qed.

Theorem conv_gradients_of_the_gradients ddx ddw g dg x dx w dw (e : R) :
  let number g x w := inner ddx (conv_input_gradient g w) + inner ddw (conv_weight_gradient g x) in
  number (e *: dg + g) (e *: dx + x) (e *: dw + w) =
  number g x w
  + e * (inner (conv ddx w + conv x ddw) dg + inner (conv_input_gradient g ddw) dx
         + inner (conv_weight_gradient g ddx) dw)
  + e ^+ 2 * number dg dx dw.
Proof. exact: gradients_of_the_gradients. Qed.

(* Out channels, times channels of a group, times taps. *)
Theorem layer_has_out_times_in_over_groups_times_taps_weights :
  #|weights| = (groups l * group_out l * group_in l * \prod_(i < ndim l) Z.to_nat (kernel_size (axes i)))%N.
Proof.
rewrite !card_prod !card_ord card_dep_ffun foldrE big_map big_enum /=.
by congr (_ * _)%N; apply: eq_bigr => i _; rewrite card_ord.
Qed.

End Sums.

End Geometry.
