(* Layer upon layer: the gradients go back through both, and without an activation the two are one layer. *)

From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finset finfun bigop ssralg.
From Convproof Require Import Arrays IndexMap.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Stack.

(* The outputs M of the first layer are the inputs of the second. *)
Variables (R : comRingType) (A U1 W1 M U2 W2 O : finType).
Variables (reads1 : M -> U1 -> option A) (weight1 : M -> U1 -> W1).
Variables (reads2 : O -> U2 -> option M) (weight2 : O -> U2 -> W2).

(* Read through both layers: the tap of the second names the output of the first. *)
Definition reads o (u : U2 * U1) : option A := obind (fun m => reads1 m u.2) (reads2 o u.1).

Definition weight o (u : U2 * U1) : option (W2 * W1) :=
  omap (fun m => (weight2 o u.1, weight1 m u.2)) (reads2 o u.1).

(* The weights of the one layer are products of a weight of each. *)
Definition products (w1 : array R W1) (w2 : array R W2) : array R [finType of option (W2 * W1)] :=
  [ffun v => if v is Some v then w1 v.2 * w2 v.1 else 0].

Theorem two_layers_without_an_activation_are_one (x : array R A) (w1 : array R W1) (w2 : array R W2) :
  layer reads2 weight2 (layer reads1 weight1 x w1) w2 = layer reads weight x (products w1 w2).
Proof.
apply/ffunP => o; rewrite !ffunE.
rewrite -(pair_bigA _ (fun u2 u1 => entry x (reads o (u2, u1)) * products w1 w2 (weight o (u2, u1)))).
apply: eq_bigr => u2 _; rewrite /reads /weight /=; case: (reads2 o u2) => [m|] /=; last first.
  by rewrite mul0r big1 // => u1 _; rewrite mul0r.
by rewrite ffunE mulr_suml; apply: eq_bigr => u1 _; rewrite ffunE mulrA.
Qed.

Theorem gradients_go_back_through_both_layers (x : array R A) (w1 : array R W1) (w2 : array R W2) (g : array R O) :
  let y := layer reads2 weight2 (layer reads1 weight1 x w1) w2 in
  let h := input_gradient reads2 weight2 g w2 in
  [/\ inner g y = inner (weight_gradient reads2 weight2 g (layer reads1 weight1 x w1)) w2,
      inner g y = inner (weight_gradient reads1 weight1 h x) w1
    & inner g y = inner (input_gradient reads1 weight1 h w1) x].
Proof.
by split; [exact: weight_gradient_is_adjoint | |]; rewrite input_gradient_is_adjoint;
  [exact: weight_gradient_is_adjoint | exact: input_gradient_is_adjoint].
Qed.

End Stack.
