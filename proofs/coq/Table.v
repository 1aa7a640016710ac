(* `reads` as a program, for the table that is compared with Python's: it is the `reads` of the theorems. *)

From Coq Require Import ZArith.
From mathcomp Require Import ssreflect ssrbool ssrfun eqtype ssrnat seq choice fintype finfun.
From Convproof Require Import Axis Sizes ReceptiveField Layer.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(* One axis after the other: the input position that output o reads through tap u, or None. *)
Fixpoint table_reads (b : boundary) (ls : seq axis) (o u : seq Z) : option (seq nat) :=
  match ls, o, u with
  | [::], [::], [::] => Some [::]
  | l :: ls, o :: os, u :: us =>
    if inside b (input_size l) (cell l o u) is Some a then omap (cons a) (table_reads b ls os us) else None
  | _, _, _ => None
  end.

Definition no_axis : axis := Axis 0 0 0 0 0 0.

(* The layer with these axes. *)
Definition layer_of (b : boundary) (ls : seq axis) (groups group_in group_out : nat) : geometry :=
  Geometry (fun i : 'I_(size ls) => nth no_axis ls i) b groups group_in group_out.

(* A position's coordinates, in the order of the axes. *)
Definition listed d (sizes : 'I_d -> Z) (p : position sizes) : seq nat := [seq (p i : nat) | i <- enum 'I_d].

Definition listed_in_Z d (sizes : 'I_d -> Z) (p : position sizes) : seq Z := [seq Z.of_nat n | n <- listed p].

Lemma table_reads_axis b ls os us cs : size os = size ls -> size us = size ls ->
  table_reads b ls os us = Some cs <->
  size cs = size ls /\
  forall i, i < size ls ->
    let l := nth no_axis ls i in
    inside b (input_size l) (cell l (nth 0%Z os i) (nth 0%Z us i)) = Some (nth 0 cs i).
Proof.
elim: ls os us cs => [|l ls IH] [|o os] [|u us] cs //=.
  by move=> _ _; split=> [[<-]|[/size0nil ->]].
move=> [size_os] [size_us]; case read: (inside _ _ _) => [a|]; last first.
  by split=> // -[_ /(_ 0 isT)] /=; rewrite read.
split.
  case rest: table_reads => [cs'|] //= [<-]; have [same reads] := (IH os us cs' size_os size_us).1 rest.
  by split=> [|[|i] lt_i] /=; [rewrite same | rewrite read | apply: reads].
case: cs => [|c cs] [] //= [size_cs] reads.
have -> /=: table_reads b ls os us = Some cs by apply/IH => //; split=> // i lt_i; apply: (reads i.+1).
by have /= := reads 0 isT; rewrite read => -[->].
Qed.

Lemma size_listed d (sizes : 'I_d -> Z) (p : position sizes) : size (listed p) = d.
Proof. by rewrite size_map size_enum_ord. Qed.

Lemma nth_listed d (sizes : 'I_d -> Z) (p : position sizes) (i : 'I_d) : nth 0 (listed p) i = p i.
Proof. by rewrite (nth_map i) ?size_enum_ord // nth_ord_enum. Qed.

Lemma nth_listed_in_Z d (sizes : 'I_d -> Z) (p : position sizes) (i : 'I_d) :
  nth 0%Z (listed_in_Z p) i = coordinate p i.
Proof. by rewrite (nth_map 0) ?size_listed // nth_listed. Qed.

Theorem table_reads_is_reads b ls groups group_in group_out :
  let l := layer_of b ls groups group_in group_out in
  forall (o : output_position l) (u : kernel_position l),
  table_reads b ls (listed_in_Z o) (listed_in_Z u) = omap (fun a => listed a) (reads o u).
Proof.
move=> l o u.
have sizes (p' : 'I_(size ls) -> Z) (p : position p') : size (listed_in_Z p) = size ls by rewrite size_map size_listed.
have table cs := @table_reads_axis b ls (listed_in_Z o) (listed_in_Z u) cs (sizes _ o) (sizes _ u).
case read: (reads o u) => [a|] /=.
  apply/table; split=> [|i lt_i]; first by rewrite size_listed.
  have /(_ (Ordinal lt_i)) := (reads_is_what_each_axis_reads o u a).1 read.
  by rewrite -!nth_listed_in_Z -nth_listed.
case def: (table_reads _ _ _ _) => [cs|] //; have [size_cs same] := (table cs).1 def.
have bound (i : 'I_(size ls)) : nth 0 cs i < Z.to_nat (input_size (nth no_axis ls i)).
  by apply/ltP; apply: inside_bound (same i (ltn_ord i)).
have: reads o u = Some [ffun i => Ordinal (bound i)].
  apply/reads_is_what_each_axis_reads => i; rewrite ffunE /= -(same i (ltn_ord i)).
  by rewrite -!nth_listed_in_Z.
by rewrite read.
Qed.

(* What is printed. All positions of these sizes, in row-major order: *)
Fixpoint product (sizes : seq Z) : seq (seq Z) :=
  if sizes is n :: sizes then
    [seq Z.of_nat i :: p | i <- iota 0 (Z.to_nat n), p <- product sizes]
  else [:: [::]].

(* The cells that the layer reads, for every output and tap; -1 where there is none. *)
Definition all_reads (b : boundary) (ls : seq axis) : seq Z :=
  flatten [seq (if table_reads b ls o u is Some a then [seq Z.of_nat n | n <- a] else [:: (-1)%Z])
    | o <- product [seq output_size l | l <- ls], u <- product [seq kernel_size l | l <- ls]].

(* The formulas of each axis. *)
Definition all_formulas (ls : seq axis) : seq Z :=
  flatten [seq [:: span l; padded_size l; output_size l; remainder l; transposed_size l] | l <- ls].

(* "same" padding of each axis, low and high. *)
Definition all_same (ls : seq axis) : seq Z :=
  flatten [seq let 'Axis n k s d _ _ := l in [:: same_low n k s d; same_high n k s d] | l <- ls].

(* The receptive field of the axes, taken for layers one upon the other: size, jump, start. *)
Definition of_a_stack (ls : seq axis) : seq Z :=
  let '(size, jump, start) := receptive_field ls in [:: size; jump; start].

(* The channels that each output channel reads. *)
Definition all_channels (groups group_in group_out : nat) : seq Z :=
  [seq Z.of_nat (channel group_in group_out c j) | c <- iota 0 (groups * group_out), j <- iota 0 group_in].
