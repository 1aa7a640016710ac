(* Translation: a layer commutes with shifts by its stride, exactly so where circular padding makes the axes circles. *)

From Coq Require Import ZArith Lia.
From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finfun bigop ssralg.
From Convproof Require Import Arrays IndexMap Axis Layer.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Lemma turn_bound (n : Z) (p : 'I_(Z.to_nat n)) (t : Z) : Z.to_nat ((Z.of_nat p + t) mod n) < Z.to_nat n.
Proof.
have n_gt0: (0 < n)%Z by move: (ltn_ord p) => /ltP; lia.
by apply/ltP; have := Z.mod_pos_bound (Z.of_nat p + t) n n_gt0; lia.
Qed.

(* The position t further on, axis by axis; what leaves at one end comes in at the other. *)
Definition turn d (sizes : 'I_d -> Z) (t : 'I_d -> Z) (p : position sizes) : position sizes :=
  [ffun i => Ordinal (turn_bound (p i) (t i))].

Section Circular.

Variable l : geometry.
Hypothesis circular : border l = Circular.
Hypothesis stride_divides : forall i : 'I_(ndim l), input_size (axes i) = (stride (axes i) * output_size (axes i))%Z.
Hypothesis stride_gt0 : forall i : 'I_(ndim l), (0 < stride (axes i))%Z.

Definition steps (t : 'I_(ndim l) -> Z) (i : 'I_(ndim l)) : Z := (stride (axes i) * t i)%Z.

Theorem reads_commutes_with_shifts_by_the_stride t (o : output_position l) (u : kernel_position l) :
  reads (turn t o) u = omap (turn (steps t)) (reads o u).
Proof.
have output_gt0 (i : 'I_(ndim l)) : (0 < output_size (axes i))%Z by move: (ltn_ord (o i)) => /ltP; lia.
have input_gt0 (i : 'I_(ndim l)) : (0 < input_size (axes i))%Z.
  by rewrite stride_divides; move: (stride_gt0 i) (output_gt0 i); nia.
have cells (i : 'I_(ndim l)) : axis_reads i (coordinate o i) (coordinate u i) =
    Some (Z.to_nat (cell (axes i) (coordinate o i) (coordinate u i) mod input_size (axes i))).
  by rewrite /axis_reads circular /=; case: Z.ltb_spec => //; move: (input_gt0 i); lia.
have [a def_a] : exists a, reads o u = Some a.
  have bound (i : 'I_(ndim l)) := introT ltP (inside_bound (cells i)).
  exists [ffun i => Ordinal (bound i)]; apply/reads_is_what_each_axis_reads => i.
  by rewrite cells ffunE.
rewrite def_a; apply/reads_is_what_each_axis_reads => i.
have := (reads_is_what_each_axis_reads o u a).1 def_a i; rewrite cells => -[def_ai].
rewrite /axis_reads circular /=; case: Z.ltb_spec => [_|]; last by move: (input_gt0 i); lia.
congr Some; rewrite !ffunE /= -def_ai /coordinate ffunE /= /steps /cell.
set s := stride _; set m := output_size _; set d := (dilation _ * _)%Z.
have [? _] := Z.mod_pos_bound (Z.of_nat (o i) + t i) m (output_gt0 i).
have [? _] := Z.mod_pos_bound (s * Z.of_nat (o i) + d - low (axes i)) _ (input_gt0 i).
rewrite !Z2Nat.id //.
rewrite Zplus_mod_idemp_l stride_divides -/s -/m; congr Z.to_nat.
rewrite -[RHS](Z_mod_plus_full _ (- ((Z.of_nat (o i) + t i) / m))); congr (_ mod _)%Z.
by have := Z.div_mod (Z.of_nat (o i) + t i) m; move: (output_gt0 i); rewrite -/m; nia.
Qed.

Lemma eq_turn d (sizes : 'I_d -> Z) (t t' : 'I_d -> Z) (p : position sizes) : t =1 t' -> turn t p = turn t' p.
Proof. by move=> same; apply/ffunP => i; rewrite !ffunE; apply: val_inj; rewrite /= same. Qed.

(* shift(x, t)[a] = x[a - t], on the torus. *)
Definition shift (R : comRingType) (I : finType) d (sizes : 'I_d -> Z) (t : 'I_d -> Z)
    (x : array R [finType of I * position sizes]) : array R [finType of I * position sizes] :=
  [ffun a => x (a.1, turn (fun i => - t i)%Z a.2)].

(* conv(shift(x, stride t)) = shift(conv(x), t), for every t *)
Theorem circular_layer_commutes_with_shifts_by_the_stride (R : comRingType) (batch : nat) t
    (x : array R (inputs l batch)) (w : array R (weights l)) :
  conv (shift (steps t) x) w = shift t (conv x w).
Proof.
rewrite /shift /conv -(@symmetries_of_reads_commute_with_the_layer _ _ _ _ _ _ _
  (fun o => (o.1, turn (fun i => - t i)%Z o.2)) (fun a => (a.1, turn (steps (fun i => - t i)%Z) a.2))) => [| |//].
  congr layer; apply/ffunP => a; rewrite !ffunE; congr (x (_, _)).
  by apply: eq_turn => i; rewrite /steps; lia.
by move=> o u; rewrite /conv_reads /= reads_commutes_with_shifts_by_the_stride; case: (reads o.2 u.2).
Qed.

End Circular.
