"""The baselines: classifiers without a neural network, on one vector a clip and on one vector a 3-s slice.

They train on the training part alone, as the networks do; the validation part is not used.

Taught in the notebook ``05_baselines``.
"""

from functools import partial

from musicgenre.experiments.dataset import thin_training
from musicgenre.experiments.demarco_2024 import slices, whole_clips
from musicgenre.experiments.experiment import Experiment
from musicgenre.models import baselines as models

SYSTEMS = {
    "majority": models.majority,
    "kmeans": models.kmeans,
    "gaussian": partial(models.gmm, n_components=1),
    "gmm": models.gmm,
    "nn_1": models.nearest_neighbours,
    "nn_5": partial(models.nearest_neighbours, k=5),
    "logistic_regression": models.logistic_regression,
    "random_forest": models.random_forest,
    "svm": models.svm,
}
ON_SLICES = ("nn_1", "gmm", "logistic_regression", "random_forest", "svm")

_experiment = partial(Experiment, paper="baselines", training=None, valid_fraction=0.1, test_fraction=0.2, seeds=10)
_on_slices = partial(_experiment, dataset=partial(slices, slice_s=3))

EXPERIMENTS = (
    *(
        _experiment(id=name, dataset=whole_clips, build=build, protocols=("tracks", "artists", "fault_filtered"))
        for name, build in SYSTEMS.items()
    ),
    *(_on_slices(id=f"{name}_3s", build=SYSTEMS[name]) for name in ON_SLICES),
    # Controls: as few training tracks as the fault-filtered split has, drawn blind to artists.
    *(_on_slices(id=f"{name}_3s_thinned", build=SYSTEMS[name], prepare=thin_training, protocols=("tracks",)) for name in ON_SLICES),
)
