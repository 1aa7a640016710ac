(* The receptive field of a stack of layers on one axis, the lowest layer first. *)

From Coq Require Import ZArith List Lia.
From Convproof Require Import Axis.
Import ListNotations.
Local Open Scope Z_scope.

(* numeric.receptive_field, from the size, jump and start of the layers below. *)
Fixpoint receptive_field_from (size jump start : Z) (ls : list axis) : Z * Z * Z :=
  match ls with
  | [] => (size, jump, start)
  | l :: ls => receptive_field_from (size + (span l - 1) * jump) (jump * stride l) (start - low l * jump) ls
  end.

Definition receptive_field := receptive_field_from 1 1 0.

(* The cell that output o reads through a tap of each layer. *)
Fixpoint read_through (ls : list axis) (o : Z) (us : list Z) : Z :=
  match ls, us with
  | l :: ls, u :: us => cell l (read_through ls o us) u
  | _, _ => o
  end.

Definition sound (l : axis) : Prop := 0 <= stride l /\ 0 <= dilation l.

Definition tap_of (l : axis) (u : Z) : Prop := 0 <= u < kernel_size l.

Lemma cells_lie_between (ls : list axis) (o : Z) (us : list Z) :
  Forall sound ls -> Forall2 tap_of ls us ->
  forall size jump start, 0 <= jump ->
  let '(size', jump', start') := receptive_field_from size jump start ls in
  start' + jump' * o <= start + jump * read_through ls o us /\
  start + jump * read_through ls o us + size <= start' + jump' * o + size'.
Proof.
intros all_sound taps; revert all_sound; induction taps as [|l u ls us tap_u taps IH]; simpl; intros.
  lia.
inversion_clear all_sound as [|? ? [? ?] rest].
pose proof (IH rest (size + (span l - 1) * jump) (jump * stride l) (start - low l * jump) ltac:(nia)) as between.
destruct (receptive_field_from _ _ _ ls) as [[size' jump'] start'].
assert (jump * cell l (read_through ls o us) u =
  jump * stride l * read_through ls o us + jump * (dilation l * u) - low l * jump) by (unfold cell; ring).
assert (0 <= jump * (dilation l * u) <= (span l - 1) * jump).
  { unfold span, tap_of in *; assert (0 <= dilation l * u <= dilation l * (kernel_size l - 1)) by nia; nia. }
lia.
Qed.

Lemma first_and_last_cells (ls : list axis) (o size jump start : Z) :
  let '(size', jump', start') := receptive_field_from size jump start ls in
  start' + jump' * o = start + jump * read_through ls o (map (fun _ => 0) ls) /\
  start' + jump' * o + size' = start + jump * read_through ls o (map (fun l => kernel_size l - 1) ls) + size.
Proof.
revert size jump start; induction ls as [|l ls IH]; simpl; intros.
  lia.
specialize (IH (size + (span l - 1) * jump) (jump * stride l) (start - low l * jump)).
destruct (receptive_field_from _ _ _ ls) as [[size' jump'] start'].
unfold cell, span in *; lia.
Qed.

(* Output o depends on cells from start + jump * o, size of them from the first to the last, and on both of these. *)
Theorem receptive_field_adds_up_spans_times_jumps (ls : list axis) (o : Z) :
  Forall sound ls ->
  let '(size, jump, start) := receptive_field ls in
  let first := start + jump * o in
  (forall us, Forall2 tap_of ls us -> first <= read_through ls o us < first + size) /\
  read_through ls o (map (fun _ => 0) ls) = first /\
  read_through ls o (map (fun l => kernel_size l - 1) ls) = first + size - 1.
Proof.
intros all_sound; unfold receptive_field.
pose proof (first_and_last_cells ls o 1 1 0) as ends.
pose proof (fun us taps => cells_lie_between ls o us all_sound taps 1 1 0 ltac:(lia)) as between.
destruct (receptive_field_from 1 1 0 ls) as [[size jump] start].
split; [intros us taps; specialize (between us taps) |]; lia.
Qed.
