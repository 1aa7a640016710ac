(* The sheet's plane: arrays that vanish outside of finitely many positions, convolution, rot180 and the gradients.

   Positions are the elements of any commutative group G: pairs of integers on the sheet, as many as one likes here. *)

From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype bigop ssralg ssrint.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Plane.

Variables (R : comRingType) (G : zmodType).

Record plane := Plane {
  value :> G -> R;
  support : seq G;
  support_uniq : uniq support;
  support_holds : forall a, a \notin support -> value a = 0
}.

Implicit Types f k x w g : plane.

Lemma sum_over_supports (F : G -> R) (s t : seq G) :
  uniq s -> uniq t -> (forall a, a \notin s -> F a = 0) -> (forall a, a \notin t -> F a = 0) ->
  \sum_(a <- s) F a = \sum_(a <- t) F a.
Proof.
move=> uniq_s uniq_t F0_s F0_t.
have common (r r' : seq G): (forall a, a \notin r' -> F a = 0) ->
    \sum_(a <- r) F a = \sum_(a <- [seq a <- r | a \in r']) F a.
  by move=> F0; rewrite big_filter [RHS]big_mkcond; apply: eq_bigr => a _; case: ifPn => // /F0.
rewrite (common s t) // (common t s) //; apply: perm_big; apply: uniq_perm; rewrite ?filter_uniq // => a.
by rewrite !mem_filter andbC.
Qed.

Definition inner f g : R := \sum_(a <- support f) f a * g a.

(* (f * k)[o] = sum over u of f[o - u] k[u]: the kernel is flipped. *)
Definition convolution f k (o : G) : R := \sum_(u <- support k) f (o - u) * k u.

(* The kernel is not flipped. *)
Definition correlation f k (o : G) : R := \sum_(u <- support k) f (o + u) * k u.

Lemma convolution_support_holds f k a :
  a \notin undup [seq b + u | b <- support f, u <- support k] -> convolution f k a = 0.
Proof.
rewrite mem_undup => outside; rewrite /convolution big_seq big1 // => u u_in.
case: (boolP (a - u \in support f)) => [in_f|/support_holds ->]; last by rewrite mul0r.
by case/negP: outside; apply/allpairsP; exists (a - u, u); rewrite /= subrK.
Qed.

Definition convolve f k : plane := Plane (undup_uniq _) (@convolution_support_holds f k).

Lemma opp_uniq f : uniq [seq - a | a <- support f].
Proof. by rewrite (map_inj_uniq oppr_inj) support_uniq. Qed.

Lemma opp_holds f a : a \notin [seq - a | a <- support f] -> f (- a) = 0.
Proof. by rewrite -[a]opprK (mem_map oppr_inj) opprK; apply: support_holds. Qed.

Definition rot180 f : plane := Plane (opp_uniq f) (@opp_holds f).

Lemma add_uniq f t : uniq [seq a + t | a <- support f].
Proof. by rewrite (map_inj_uniq (addIr t)) support_uniq. Qed.

Lemma add_holds f t a : a \notin [seq a + t | a <- support f] -> f (a - t) = 0.
Proof. by rewrite -[a in a \notin _](subrK t) (mem_map (addIr t)); apply: support_holds. Qed.

Definition translate t f : plane := Plane (add_uniq f t) (@add_holds f t).

Lemma impulse_holds (t a : G) : a \notin [:: t] -> (a == t)%:R = 0 :> R.
Proof. by rewrite inE => /negPf ->. Qed.

Definition impulse (t : G) : plane := @Plane (fun a => (a == t)%:R) [:: t] isT (@impulse_holds t).

Theorem convolution_commutes_with_translation t f k o :
  translate t (convolve f k) o = convolve (translate t f) k o.
Proof. by apply: eq_bigr => u _ /=; rewrite addrAC. Qed.

Theorem convolution_is_commutative f k o : convolve f k o = convolve k f o.
Proof.
transitivity (\sum_(u <- [seq o - a | a <- support f]) f (o - u) * k u); last first.
  by rewrite big_map; apply: eq_bigr => a _ /=; rewrite subKr mulrC.
have inj: injective (fun a => o - a) by move=> a b /addrI /oppr_inj.
apply: sum_over_supports => [||u out|u out]; rewrite ?support_uniq ?(map_inj_uniq inj) ?support_uniq //.
  by rewrite (support_holds out) mulr0.
by rewrite [f _]support_holds ?mul0r //; apply: contra out => ?; apply/mapP; exists (o - u); rewrite ?subKr.
Qed.

Theorem convolution_is_associative x f k o : convolve (convolve x f) k o = convolve x (convolve f k) o.
Proof.
rewrite /= /convolution; under [RHS]eq_bigr => b _ do rewrite /= /convolution mulr_sumr.
rewrite [RHS]exchange_big /= !big_seq; apply: eq_bigr => v v_in; rewrite /convolution mulr_suml.
transitivity (\sum_(b <- [seq u + v | u <- support f]) x (o - b) * (f (b - v) * k v)).
  by rewrite big_map; apply: eq_bigr => u _; rewrite addrK mulrA opprD addrA addrAC.
apply: sum_over_supports; rewrite ?add_uniq ?undup_uniq // => b out; rewrite mulrCA.
  by rewrite (add_holds out) mul0r.
rewrite [f _]support_holds ?mul0r //; apply: contra out => f_in.
by rewrite mem_undup; apply/allpairsP; exists (b - v, v); rewrite /= subrK.
Qed.

Theorem unit_impulse_is_the_identity t f o : convolve f (impulse t) o = translate t f o.
Proof. by rewrite /= /convolution big_seq1 /= eqxx mulr1. Qed.

Theorem convolution_is_correlation_with_the_rotated_kernel f k o : convolve f k o = correlation f (rot180 k) o.
Proof. by rewrite /correlation big_map; apply: eq_bigr => u _ /=; rewrite opprK. Qed.

(* Convolutions depend on values alone, however generous the lists of positions are. *)
Lemma convolve_ext x f f' o : f =1 f' -> convolve x f o = convolve x f' o.
Proof.
move=> same; rewrite [LHS]convolution_is_commutative [RHS]convolution_is_commutative.
by apply: eq_bigr => u _; rewrite same.
Qed.

Lemma rot180_of_a_convolution f k o : rot180 (convolve f k) o = convolve (rot180 f) (rot180 k) o.
Proof. by rewrite /= /convolution big_map; apply: eq_bigr => u _ /=; rewrite opprB addrC !opprK addrC. Qed.

(* correlate: the layer's map on the plane. Two of them are one, with the convolution of both kernels. *)
Definition correlate f k : plane := convolve f (rot180 k).

Theorem correlate_does_not_flip f k o : correlate f k o = correlation f k o.
Proof. by rewrite /= /convolution big_map; apply: eq_bigr => u _ /=; rewrite !opprK. Qed.

Theorem two_correlations_are_one x k l o : correlate (correlate x k) l o = correlate x (convolve k l) o.
Proof.
rewrite /correlate convolution_is_associative; apply: convolve_ext => a.
by rewrite rot180_of_a_convolution.
Qed.

(* The sheet's first chain: dL/dw = rot180(x) * dL/dy, for y = x * w. *)
Theorem weight_gradient_is_rotated_input_convolved_with_cotangent x w g :
  inner g (convolve x w) = inner w (convolve (rot180 x) g).
Proof.
rewrite /inner /=; under eq_bigr => o _ do rewrite mulr_sumr; rewrite exchange_big; apply: eq_bigr => u _.
by rewrite mulr_sumr; apply: eq_bigr => o _ /=; rewrite opprB mulrCA [g o * _]mulrC mulrCA mulrA.
Qed.

(* The sheet's second chain: dL/dx = rot180(w) * dL/dy. *)
Theorem input_gradient_is_rotated_kernel_convolved_with_cotangent x w g :
  inner g (convolve x w) = inner x (convolve (rot180 w) g).
Proof.
rewrite -weight_gradient_is_rotated_input_convolved_with_cotangent.
by apply: eq_bigr => o _; rewrite convolution_is_commutative.
Qed.

Lemma inner_impulse (t : G) f : inner (impulse t) f = f t.
Proof. by rewrite /inner big_seq1 /= eqxx mul1r. Qed.

(* Entry by entry: <g, x * w> is linear in w, so its derivative by w[u] is its value at the impulse there. *)
Theorem derivative_by_a_weight (u : G) x g : inner g (convolve x (impulse u)) = convolve (rot180 x) g u.
Proof. by rewrite weight_gradient_is_rotated_input_convolved_with_cotangent inner_impulse. Qed.

Theorem derivative_by_an_input (a : G) w g : inner g (convolve (impulse a) w) = convolve (rot180 w) g a.
Proof. by rewrite input_gradient_is_rotated_kernel_convolved_with_cotangent inner_impulse. Qed.

(* An array whose first position is 0 and whose last one is c is rotated in its place: a becomes c - a. *)
Definition flip c f : plane := translate c (rot180 f).

Theorem flip_rotates_an_array_in_its_place c f a : flip c f a = f (c - a).
Proof. by rewrite /= opprB. Qed.

Theorem rot180_gradients_hold_on_finite_arrays c x w g :
  inner g (convolve x w) = inner w (translate (- c) (convolve g (flip c x))) /\
  inner g (convolve x w) = inner x (translate (- c) (convolve g (flip c w))).
Proof.
have rotated f a: translate (- c) (convolve g (flip c f)) a = convolve (rot180 f) g a.
  rewrite [LHS]convolution_is_commutative -convolution_commutes_with_translation /= opprK.
  by rewrite addrK.
split.
  by rewrite weight_gradient_is_rotated_input_convolved_with_cotangent; apply: eq_bigr => a _; rewrite rotated.
by rewrite input_gradient_is_rotated_kernel_convolved_with_cotangent; apply: eq_bigr => a _; rewrite rotated.
Qed.

(* A layer with a stride, a dilation and a padding: any additive maps of the plane, such as one number for each axis. *)
Definition plane_layer (stride dilation : {additive G -> G}) (low : G) x w (o : G) : R :=
  \sum_(u <- support w) x (stride o + dilation u - low) * w u.

Theorem strided_layer_commutes_with_shifts_by_the_stride (stride dilation : {additive G -> G}) low t x w o :
  plane_layer stride dilation low (translate (stride t) x) w o = plane_layer stride dilation low x w (o - t).
Proof. by apply: eq_bigr => u _ /=; rewrite raddfB; congr (x _ * _); rewrite addrAC -addrA addrAC addrA addrAC. Qed.

End Plane.

Section Sheet.

Variable R : comRingType.

Definition Z2 := pair_zmodType int_ZmodType int_ZmodType.

(* The sheet's formulas in its own indices. *)
Theorem convolution_on_two_axes (f k : plane R Z2) (i j : int) :
  convolve f k (i, j) = \sum_(u <- support k) f (i - u.1, j - u.2) * k u.
Proof. by []. Qed.

Theorem rot180_on_two_axes (f : plane R Z2) (i j : int) : rot180 f (i, j) = f (- i, - j).
Proof. by []. Qed.

End Sheet.
