(* Arrays of numbers of any commutative ring over any finite index type; linear maps between them and their adjoints.

   Basis exhaustion: what is linear in each argument is known from its values on basis arrays. *)

From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finfun bigop ssralg.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* R^o is R, seen as a module over itself: c *: x scales each entry, x + y adds entry by entry. *)
Definition array (R : comRingType) (I : finType) := {ffun I -> R^o}.

Section Arrays.

Variable R : comRingType.
Implicit Types I J K : finType.

Definition inner I (x y : array R I) : R := \sum_i x i * y i.

(* 1 at i, 0 elsewhere. *)
Definition basis I (i : I) : array R I := [ffun j => (j == i)%:R].

(* The entry at an index, zero where there is none. *)
Definition entry I (x : array R I) (i : option I) : R := if i is Some i then x i else 0.

Definition is_linear I J (f : array R I -> array R J) : Prop :=
  forall c x x', f (c *: x + x') = c *: f x + f x'.

Definition is_bilinear I J K (f : array R I -> array R J -> array R K) : Prop :=
  (forall w, is_linear (fun x => f x w)) /\ (forall x, is_linear (f x)).

Definition is_linear_form I (f : array R I -> R) : Prop := forall c x x', f (c *: x + x') = c * f x + f x'.

Definition is_trilinear I J K (f : array R I -> array R J -> array R K -> R) : Prop :=
  [/\ forall y z, is_linear_form (fun x => f x y z), forall x z, is_linear_form (fun y => f x y z)
    & forall x y, is_linear_form (f x y)].

(* <g, f(x)> = <f'(g), x> *)
Definition is_adjoint I J (f : array R I -> array R J) (f' : array R J -> array R I) : Prop :=
  forall x g, inner g (f x) = inner (f' g) x.

Lemma scaleE (c a : R) : c *: (a : R^o) = c * a. Proof. by []. Qed.

Lemma innerC I (x y : array R I) : inner x y = inner y x.
Proof. by apply: eq_bigr => i _; apply: mulrC. Qed.

Lemma inner_is_linear_form I (x : array R I) : is_linear_form (inner x).
Proof.
by move=> c y y'; rewrite mulr_sumr -big_split; apply: eq_bigr => i _; rewrite !ffunE scaleE mulrDr mulrCA.
Qed.

Lemma inner_linear_left I c (x x' y : array R I) : inner (c *: x + x') y = c * inner x y + inner x' y.
Proof. by rewrite ![inner _ y]innerC inner_is_linear_form. Qed.

Lemma inner_add I (x y y' : array R I) : inner x (y + y') = inner x y + inner x y'.
Proof. by rewrite -[y]scale1r inner_is_linear_form scale1r mul1r. Qed.

Lemma inner_basis I (x : array R I) (i : I) : inner x (basis i) = x i.
Proof.
rewrite /inner (bigD1 i) //= ffunE eqxx mulr1 big1 ?addr0 // => j ne_ji.
by rewrite ffunE (negPf ne_ji) mulr0.
Qed.

Lemma entry_linear I (c : R) (x x' : array R I) (i : option I) :
  entry (c *: x + x') i = c * entry x i + entry x' i.
Proof. by case: i => [i|] /=; rewrite ?mulr0 ?addr0 // !ffunE. Qed.

(* An array is known from its inner products: gradients are determined by the identities that they satisfy. *)
Theorem inner_products_determine_an_array I (x y : array R I) : (forall z, inner x z = inner y z) -> x = y.
Proof. by move=> same; apply/ffunP => i; rewrite -!inner_basis. Qed.

Theorem adjoint_is_unique I J (f : array R I -> array R J) (f' f'' : array R J -> array R I) :
  is_adjoint f f' -> is_adjoint f f'' -> forall g, f' g = f'' g.
Proof.
by move=> adj' adj'' g; apply: inner_products_determine_an_array => x; rewrite -adj' adj''.
Qed.

(* The chain rule: gradients go back through the layers in reverse order. *)
Theorem adjoint_of_a_composition I J K (f : array R I -> array R J) (h : array R J -> array R K) f' h' :
  is_adjoint f f' -> is_adjoint h h' -> is_adjoint (fun x => h (f x)) (fun g => f' (h' g)).
Proof. by move=> adj_f adj_h x g; rewrite adj_h adj_f. Qed.

Lemma linear_form_of_sum I (f : array R I -> R) : is_linear_form f -> forall x, f x = \sum_i x i * f (basis i).
Proof.
move=> lin x; have f0: f 0 = 0 by apply: (addrI (f 0)); have := lin 1 0 0; rewrite scaler0 !addr0 mul1r => <-.
have {1}->: x = \sum_i x i *: basis i.
  apply/ffunP => j; rewrite sum_ffunE (bigD1 j) //= !ffunE eqxx scaleE mulr1 big1 ?addr0 // => i ne_ij.
  by rewrite !ffunE scaleE eq_sym (negPf ne_ij) mulr0.
by apply: (big_rec2 (fun y s => f y = s)) => // i y s _ <-; rewrite lin.
Qed.

Theorem basis_arrays_decide_linear_maps I J (f f' : array R I -> array R J) :
  is_linear f -> is_linear f' -> (forall i, f (basis i) = f' (basis i)) -> forall x, f x = f' x.
Proof.
move=> lin lin' same x; apply/ffunP => j.
have entry_lin (h : array R I -> array R J): is_linear h -> is_linear_form (fun x => h x j).
  by move=> lin_h c y y'; rewrite lin_h !ffunE.
rewrite (linear_form_of_sum (entry_lin f lin)) (linear_form_of_sum (entry_lin f' lin')).
by apply: eq_bigr => i _; rewrite same.
Qed.

Theorem basis_pairs_decide_bilinear_maps I J K (f f' : array R I -> array R J -> array R K) :
  is_bilinear f -> is_bilinear f' ->
  (forall i j, f (basis i) (basis j) = f' (basis i) (basis j)) -> forall x w, f x w = f' x w.
Proof.
move=> [lin1 lin2] [lin1' lin2'] same x w.
apply: (basis_arrays_decide_linear_maps (lin1 w) (lin1' w)) => i.
exact: (basis_arrays_decide_linear_maps (lin2 _) (lin2' _)).
Qed.

Theorem basis_triples_decide_trilinear_forms I J K (f f' : array R I -> array R J -> array R K -> R) :
  is_trilinear f -> is_trilinear f' ->
  (forall i j k, f (basis i) (basis j) (basis k) = f' (basis i) (basis j) (basis k)) ->
  forall x y z, f x y z = f' x y z.
Proof.
move=> [lin1 lin2 lin3] [lin1' lin2' lin3'] same x y z.
rewrite (linear_form_of_sum (lin1 y z)) (linear_form_of_sum (lin1' y z)); apply: eq_bigr => i _; congr (_ * _).
rewrite (linear_form_of_sum (lin2 _ z)) (linear_form_of_sum (lin2' _ z)); apply: eq_bigr => j _; congr (_ * _).
rewrite (linear_form_of_sum (lin3 _ _)) (linear_form_of_sum (lin3' _ _)); apply: eq_bigr => k _; congr (_ * _).
exact: same.
Qed.

End Arrays.
