(* Other layers as index maps: bias, dense, locally connected, average pooling, transposed convolution. *)

From Coq Require Import ZArith.
From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finfun bigop ssralg.
From Convproof Require Import Arrays IndexMap Axis Layer.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Bias.

Variables (R : comRingType) (O C : finType) (channel : O -> C).

Definition bias (b : array R C) : array R O := [ffun o => b (channel o)].

Definition bias_gradient (g : array R O) : array R C := [ffun c => \sum_(o | channel o == c) g o].

Theorem bias_gradient_is_adjoint : is_adjoint bias bias_gradient.
Proof.
move=> b g; rewrite /inner (partition_big channel predT) //=; apply: eq_bigr => c _.
by rewrite ffunE mulr_suml; apply: eq_bigr => o /eqP <-; rewrite ffunE.
Qed.

End Bias.

(* Every output reads every input, each through a weight of its own: the batch is N, features are A and K. *)
Section Dense.

Variables (R : comRingType) (N A K : finType).

Definition dense_reads (o : N * K) (a : A) : option (N * A) := Some (o.1, a).

Definition dense_weight (o : N * K) (a : A) : K * A := (o.2, a).

Definition dense := layer dense_reads dense_weight (R := R).
Definition dense_weight_gradient := weight_gradient dense_reads dense_weight (R := R).
Definition dense_input_gradient := input_gradient dense_reads dense_weight (R := R).

Theorem dense_is_the_product_with_a_matrix x w n k : dense x w (n, k) = \sum_a x (n, a) * w (k, a).
Proof. by rewrite ffunE. Qed.

Theorem dense_weight_gradient_is_the_sum g x k a : dense_weight_gradient g x (k, a) = \sum_n g (n, k) * x (n, a).
Proof.
rewrite ffunE sum_pair; apply: eq_bigr => n _; rewrite (bigD1 k) //= [X in _ + X]big1 ?addr0 => [|k' ne_k'k].
  by rewrite (big_pred1 a) // => b; rewrite /dense_weight xpair_eqE eqxx.
by rewrite big_pred0 // => b; rewrite /dense_weight xpair_eqE (negPf ne_k'k).
Qed.

Theorem dense_input_gradient_is_the_sum g w n a : dense_input_gradient g w (n, a) = \sum_k g (n, k) * w (k, a).
Proof.
rewrite ffunE sum_pair (bigD1 n) //= [X in _ + X]big1 ?addr0 => [|n' ne_n'n].
  apply: eq_bigr => k _; rewrite (big_pred1 a) // => b.
  by rewrite /dense_reads (inj_eq Some_inj) xpair_eqE eqxx.
by rewrite big1 // => k _; rewrite big_pred0 // => b; rewrite /dense_reads (inj_eq Some_inj) xpair_eqE (negPf ne_n'n).
Qed.

Theorem dense_weight_gradient_is_adjoint g x w : inner g (dense x w) = inner (dense_weight_gradient g x) w.
Proof. exact: weight_gradient_is_adjoint. Qed.

Theorem dense_input_gradient_is_adjoint g x w : inner g (dense x w) = inner (dense_input_gradient g w) x.
Proof. exact: input_gradient_is_adjoint. Qed.

End Dense.

(* The convolution layer's reads, with weights that are not shared between positions. *)
Section LocallyConnected.

Variables (R : comRingType) (l : geometry) (batch : nat).

Definition local_weights := [finType of out_channel l * output_position l * taps l].

Definition local_weight (o : outputs l batch) (u : taps l) : local_weights := (o.1.2, o.2, u).

Definition locally_connected := layer (conv_reads (batch := batch)) local_weight (R := R).
Definition local_weight_gradient := weight_gradient (conv_reads (batch := batch)) local_weight (R := R).
Definition local_input_gradient := input_gradient (conv_reads (batch := batch)) local_weight (R := R).

Theorem local_weight_gradient_is_the_sum g x c o j u :
  local_weight_gradient g x (c, o, (j, u)) =
  \sum_n g (n, c, o) * (if reads o u is Some a then x (n, reads_channel c j, a) else 0).
Proof.
rewrite ffunE !sum_pair; apply: eq_bigr => n _; rewrite (bigD1 c) //= [X in _ + X]big1 ?addr0 => [|c' ne_c'c].
  rewrite (bigD1 o) //= [X in _ + X]big1 ?addr0 => [|o' ne_o'o].
    rewrite (big_pred1 (j, u)) => [|u']; last by rewrite /local_weight xpair_eqE eqxx.
    by congr (_ * _); rewrite /conv_reads /=; case: (reads o u).
  by rewrite big_pred0 // => u'; rewrite /local_weight !xpair_eqE (negPf ne_o'o) andbF.
by rewrite big1 // => o' _; rewrite big_pred0 // => u'; rewrite /local_weight !xpair_eqE (negPf ne_c'c).
Qed.

Theorem local_weight_gradient_is_adjoint g x w :
  inner g (locally_connected x w) = inner (local_weight_gradient g x) w.
Proof. exact: weight_gradient_is_adjoint. Qed.

Theorem local_input_gradient_is_adjoint g x w :
  inner g (locally_connected x w) = inner (local_input_gradient g w) x.
Proof. exact: input_gradient_is_adjoint. Qed.

End LocallyConnected.

(* The mean of what a window reads: count is its number of cells, or of those inside the input. *)
Section AveragePooling.

Variables (F : fieldType) (O U A : finType) (reads : O -> U -> option A) (count : O -> nat).

Definition average_pool (x : array F A) : array F O := [ffun o => (\sum_u entry x (reads o u)) / (count o)%:R].

Definition average_pool_input_gradient (g : array F O) : array F A :=
  [ffun a => \sum_o \sum_(u | reads o u == Some a) g o / (count o)%:R].

Theorem average_pooling_is_a_layer x :
  average_pool x = layer reads (fun o _ => o) x [ffun o => (count o)%:R^-1].
Proof. by apply/ffunP => o; rewrite !ffunE mulr_suml; apply: eq_bigr => u _; rewrite ?ffunE. Qed.

Theorem average_pooling_gradient_is_adjoint : is_adjoint average_pool average_pool_input_gradient.
Proof.
move=> x g; rewrite average_pooling_is_a_layer input_gradient_is_adjoint; congr inner; apply/ffunP => a.
by rewrite !ffunE; apply: eq_bigr => o _; apply: eq_bigr => u _; rewrite ffunE.
Qed.

(* All windows counted in full: a convolution with constant weights, in whatever way weights are shared. *)
Theorem average_pooling_is_a_convolution_with_constant_weights (W : finType) (weight : O -> U -> W) x :
  (forall o, count o = #|U|) -> average_pool x = layer reads weight x [ffun _ => #|U|%:R^-1].
Proof.
by move=> whole; apply/ffunP => o; rewrite !ffunE mulr_suml whole; apply: eq_bigr => u _; rewrite ffunE.
Qed.

End AveragePooling.

(* It spreads each of its inputs where the convolution reads from, and its gradients are the convolution's sums. *)
Section Transposed.

Variables (R : comRingType) (l : geometry) (batch : nat).

Definition conv_transpose (g : array R (outputs l batch)) (w : array R (weights l)) : array R (inputs l batch) :=
  conv_input_gradient g w.

Theorem transposed_convolution_is_the_adjoint g x w : inner (conv_transpose g w) x = inner g (conv x w).
Proof. by rewrite conv_input_gradient_is_adjoint. Qed.

Theorem transposed_convolution_input_gradient_is_adjoint g x w : inner x (conv_transpose g w) = inner (conv x w) g.
Proof. by rewrite innerC transposed_convolution_is_the_adjoint innerC. Qed.

Theorem transposed_convolution_weight_gradient_is_adjoint g x w :
  inner x (conv_transpose g w) = inner (conv_weight_gradient g x) w.
Proof. by rewrite innerC transposed_convolution_is_the_adjoint conv_weight_gradient_is_adjoint. Qed.

End Transposed.
