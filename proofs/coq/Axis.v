(* The formulas of one spatial axis, as numeric.Axis has them; `/` and `mod` round down, as Python's // and % do. *)

From Coq Require Import ZArith Lia.
Local Open Scope Z_scope.

(* Padding before and after the input, low and high, may be negative: then it crops. *)
Record axis := Axis { input_size : Z; kernel_size : Z; stride : Z; dilation : Z; low : Z; high : Z }.

Section Axis.

Variable l : axis.

(* Cells from the first to the last one that a window reads, both included. *)
Definition span := dilation l * (kernel_size l - 1) + 1.

Definition padded_size := input_size l + low l + high l.

(* The number of windows inside the padded input: so Sizes.v proves. *)
Definition output_size := (padded_size - span) / stride l + 1.

Definition remainder := (padded_size - span) mod stride l.

(* The smallest input whose output has `input_size` positions: so Sizes.v proves. *)
Definition transposed_size := (input_size l - 1) * stride l + span - low l - high l.

(* The cell that output o reads through tap u: it may lie outside of the input. *)
Definition cell (o u : Z) := stride l * o + dilation l * u - low l.

End Axis.

(* What lies beyond the input: zeros, or the input again. *)
Inductive boundary := Zero | Circular.

(* The position of the input at a cell, on an axis of n positions, or None where there is none. *)
Definition inside (b : boundary) (n a : Z) : option nat :=
  match b with
  | Zero => if andb (0 <=? a) (a <? n) then Some (Z.to_nat a) else None
  | Circular => if 0 <? n then Some (Z.to_nat (a mod n)) else None
  end.

Lemma inside_bound {b : boundary} {n a : Z} {c : nat} : inside b n a = Some c -> (c < Z.to_nat n)%nat.
Proof.
destruct b; simpl.
- destruct (Z.leb_spec 0 a), (Z.ltb_spec a n); simpl; intros [= <-]; lia.
- destruct (Z.ltb_spec 0 n) as [n_gt0 |]; intros [= <-]; pose proof (Z.mod_pos_bound a n n_gt0); lia.
Qed.
