"""The exercise sheet, line by line, with its errata.

ETH Zürich, Deep Learning, Fall 2018 (F. Pérez-Cruz), series 5, solutions. Every equality sign of a displayed
equation, every number and every claim in words is a `Line`, quoted, whose status `proofs.audit` finds out. One
file per solution.
"""

from proofs.audit import Line
from proofs.sheet import backpropagation, parameters, properties

LINES: tuple[Line, ...] = (
    Line("0", "Deep Learning, Fall 2018, exercise series 5, solutions (title, course, date)"),
    *properties.LINES,
    *parameters.LINES,
    *backpropagation.LINES,
    Line("4", "Solution 4 (Practical: CNNs in tensorflow)"),
    Line(
        "4",
        "See train_and_test_MNIST_solution.py.",
        unchecked="the file is not part of the sheet; training/train.py --recipe sheet trains the kind of "
        "network that such exercises used",
    ),
)
