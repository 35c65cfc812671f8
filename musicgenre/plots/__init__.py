"""The figures of the book, one function each, in a file a chapter or topic.

Every function draws on new axes and returns the figure. Lines differ by colour, dashes and marker, so that they can be told apart in
grey and by colour-blind readers (colours of Okabe & Ito). Call :func:`use_style` once in a notebook.
"""

import matplotlib.pyplot as plt

#: Okabe & Ito's colours, without the yellow that is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def use_style() -> None:
    """Set fonts, colours and sizes of all figures that follow."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=COLOURS) + plt.cycler(linestyle=DASHES),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "font.size": 11,
            "image.cmap": "viridis",
            "legend.frameon": False,
        }
    )
