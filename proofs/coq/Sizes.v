(* Output sizes, for every input, kernel, stride, dilation and padding on either side. *)

From Coq Require Import ZArith Lia.
From Convproof Require Import Axis.
Local Open Scope Z_scope.

Ltac unfolded := unfold output_size, transposed_size, remainder, padded_size, span, cell in *;
  cbn [input_size kernel_size stride dilation low high] in *.

(* The quotient and remainder of a goal, by the two facts that define them. *)
Ltac divided :=
  repeat match goal with
  | |- context [?a / ?b] => let q := fresh "q" in
      pose proof (Z.div_mod a b ltac:(lia)); pose proof (Z.mod_pos_bound a b ltac:(lia)); set (q := a / b) in *
  end.

Theorem output_size_counts_the_windows_inside (l : axis) (o : Z) :
  0 < stride l ->
  0 <= o < output_size l <->
  - low l <= cell l o 0 /\ cell l o (kernel_size l - 1) < input_size l + high l.
Proof. intros; unfolded; divided; split; intros; nia. Qed.

Theorem all_cells_of_a_window_lie_between_its_first_and_last (l : axis) (o u : Z) :
  0 <= dilation l -> 0 <= u < kernel_size l -> cell l o 0 <= cell l o u <= cell l o (kernel_size l - 1).
Proof. intros; unfolded; nia. Qed.

(* The inputs whose output has m positions are the transposed size and up to stride - 1 cells more. *)
Theorem transposed_size_inverts_the_output_size (m n k s d low high : Z) :
  0 < s ->
  let smallest := transposed_size (Axis m k s d low high) in
  output_size (Axis n k s d low high) = m <-> smallest <= n < smallest + s.
Proof. intros; unfolded; divided; split; intros; nia. Qed.

Theorem remainder_is_the_output_padding_that_gives_the_input_back (l : axis) :
  0 < stride l ->
  let m := output_size l in
  input_size l =
    transposed_size (Axis m (kernel_size l) (stride l) (dilation l) (low l) (high l)) + remainder l /\
  0 <= remainder l < stride l.
Proof.
intros; unfold m; unfolded.
set (a := input_size l + low l + high l - (dilation l * (kernel_size l - 1) + 1)).
pose proof (Z.mod_pos_bound a (stride l) ltac:(lia)); pose proof (Z.div_mod a (stride l) ltac:(lia)).
unfold a in *; split; nia.
Qed.

Theorem valid_convolution_shrinks_by_twice_the_half_width (m p : Z) :
  output_size (Axis m (2 * p + 1) 1 1 0 0) = m - 2 * p.
Proof. unfolded; rewrite Z.div_1_r; lia. Qed.

Theorem padding_by_the_half_width_keeps_the_size (m p : Z) : output_size (Axis m (2 * p + 1) 1 1 p p) = m.
Proof. unfolded; rewrite Z.div_1_r; lia. Qed.

(* No padding: the windows inside the input. *)
Theorem valid_windows_lie_inside_the_input (n k d o : Z) :
  let l := Axis n k 1 d 0 0 in
  output_size l = n - span l + 1 /\ (0 <= o < output_size l <-> 0 <= cell l o 0 /\ cell l o (k - 1) < n).
Proof. unfolded; rewrite Z.div_1_r; split; [| split]; lia. Qed.

(* Padding by span - 1 on both sides: the windows that touch the input, in a cell that lies between first and last. *)
Theorem full_windows_touch_the_input (n k d o : Z) :
  let s := span (Axis n k 1 d 0 0) in
  let l := Axis n k 1 d (s - 1) (s - 1) in
  output_size l = n + s - 1 /\ (0 <= o < output_size l <-> 0 <= cell l o (k - 1) /\ cell l o 0 < n).
Proof. unfolded; rewrite Z.div_1_r; split; [| split]; lia. Qed.

(* numeric.named_padding for "same": TensorFlow's rule. *)
Definition ceiling (n s : Z) := - (- n / s).

Definition same_total (n k s d : Z) := Z.max ((ceiling n s - 1) * s + (d * (k - 1) + 1) - n) 0.

Definition same_low (n k s d : Z) := same_total n k s d / 2.

Definition same_high (n k s d : Z) := same_total n k s d - same_total n k s d / 2.

Theorem same_padding_has_input_over_stride_outputs_rounded_up (n k s d : Z) :
  0 < n -> 0 < k -> 0 < s -> 0 < d ->
  output_size (Axis n k s d (same_low n k s d) (same_high n k s d)) = ceiling n s /\
  same_low n k s d <= same_high n k s d <= same_low n k s d + 1.
Proof.
intros; unfold same_high, same_low; unfolded.
set (t := same_total n k s d); assert (span_gt0 : 1 <= d * (k - 1) + 1) by nia.
split; [| divided; lia].
replace (n + t / 2 + (t - t / 2) - (d * (k - 1) + 1)) with (n + t - (d * (k - 1) + 1)) by lia.
assert (def_t : t = same_total n k s d) by reflexivity; unfold same_total, ceiling in *.
generalize dependent (d * (k - 1) + 1); intros; clearbody t; divided; nia.
Qed.

Theorem pytorch_and_tensorflow_pad_the_same_at_stride_1 (n k d : Z) :
  0 < n -> 0 < k -> 0 < d -> same_total n k 1 d = d * (k - 1) /\ same_low n k 1 d = d * (k - 1) / 2.
Proof.
intros; unfold same_low, same_total, ceiling; rewrite Z.div_1_r.
replace (_ - n) with (d * (k - 1)) by lia; rewrite Z.max_l by nia; auto.
Qed.

Theorem cell_commutes_with_translation (l : axis) (o t u : Z) : cell l (o + t) u = cell l o u + stride l * t.
Proof. unfold cell; lia. Qed.
