"""Classifiers without a neural network: what came before, and what a network has to beat.

Each function takes the shape of one item, the number of genres and a seed, and returns a scikit-learn pipeline: each feature is
brought to zero mean and unit variance over the items that the pipeline is fitted on, then classified. All give one probability
a genre.

Taught in the notebook ``05_baselines``.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class _Classifier(ClassifierMixin, BaseEstimator):
    """A classifier that answers the likeliest class."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the likeliest class of each item, (n_items,)."""
        probabilities = self.predict_proba(x)
        return self.classes_[probabilities.argmax(axis=1)]


class MixtureClassifier(_Classifier):
    """One mixture of Gaussians a class, compared by Bayes' rule, as in Tzanetakis & Cook (2002).

    Parameters
    ----------
    n_components : int
        Gaussians a class, with diagonal covariance matrices. One gives what ``sklearn.naive_bayes.GaussianNB`` gives.
    random_state : int
        Seed of the k-means clustering that expectation maximisation starts from.

    Notes
    -----
    Taught in the notebook ``05_baselines``.
    """

    def __init__(self, n_components: int = 3, random_state: int | None = None):
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, x: np.ndarray, y: np.ndarray) -> MixtureClassifier:
        """Fit one mixture to the items of each class; x is (n_items, n_features), y (n_items,)."""
        x, y = validate_data(self, x, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, counts = np.unique(y, return_counts=True)
        settings = {"covariance_type": "diag", "reg_covar": 1e-3, "random_state": self.random_state}
        self.mixtures_ = [GaussianMixture(self.n_components, **settings).fit(x[y == label]) for label in self.classes_]
        self.log_prior_ = np.log(counts / len(y))
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of each class, (n_items, n_classes)."""
        check_is_fitted(self)
        x = validate_data(self, x, dtype=np.float64, reset=False)
        log_likelihood = np.stack([mixture.score_samples(x) for mixture in self.mixtures_], axis=1)
        return softmax(log_likelihood + self.log_prior_, axis=1)


class ClusterClassifier(_Classifier):
    """K-means clusters, found without labels, each named after the classes of the training items in it.

    Parameters
    ----------
    n_clusters : int
        Number of clusters.
    random_state : int
        Seed of the ten starts of k-means, of which the tightest is kept.

    Notes
    -----
    Taught in the notebook ``05_baselines``.
    """

    def __init__(self, n_clusters: int = 10, random_state: int | None = None):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, x: np.ndarray, y: np.ndarray) -> ClusterClassifier:
        """Cluster the items and count the classes in each cluster; x is (n_items, n_features), y (n_items,)."""
        x, y = validate_data(self, x, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, index = np.unique(y, return_inverse=True)
        self.clusters_ = KMeans(self.n_clusters, n_init=10, random_state=self.random_state).fit(x)
        counts = np.zeros((self.n_clusters, len(self.classes_)))
        np.add.at(counts, (self.clusters_.labels_, index), 1)
        self.shares_ = counts / counts.sum(axis=1, keepdims=True)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the shares of the classes in the cluster of each item, (n_items, n_classes)."""
        check_is_fitted(self)
        return self.shares_[self.clusters_.predict(validate_data(self, x, dtype=np.float64, reset=False))]


def majority(input_shape: tuple[int], n_genres: int, *, seed: int) -> Pipeline:
    """Answer the most frequent genre of the training part, whatever the item is."""
    return make_pipeline(StandardScaler(), DummyClassifier(strategy="prior"))


def gmm(input_shape: tuple[int], n_genres: int, *, seed: int, n_components: int = 3) -> Pipeline:
    """Fit a mixture of Gaussians a genre; one component is the "Gaussian" of Tzanetakis & Cook."""
    return make_pipeline(StandardScaler(), MixtureClassifier(n_components, random_state=seed))


def kmeans(input_shape: tuple[int], n_genres: int, *, seed: int) -> Pipeline:
    """Find as many clusters as there are genres, and name each after the majority of its training items."""
    return make_pipeline(StandardScaler(), ClusterClassifier(n_genres, random_state=seed))


def nearest_neighbours(input_shape: tuple[int], n_genres: int, *, seed: int, k: int = 1) -> Pipeline:
    """Answer the genres of the k nearest training items."""
    return make_pipeline(StandardScaler(), KNeighborsClassifier(k))


def logistic_regression(input_shape: tuple[int], n_genres: int, *, seed: int) -> Pipeline:
    """Separate the genres by planes (multinomial, L2 penalty)."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))


def svm(input_shape: tuple[int], n_genres: int, *, seed: int, c: float = 10) -> Pipeline:
    """Fit a support vector machine with a Gaussian (RBF) kernel.

    Its probabilities are the softmax of its decision values over a temperature, found by three-fold cross-validation inside
    the training part. The answer to an item does not depend on the temperature; the mean over the segments of a track can.
    """
    machine = SVC(C=c, kernel="rbf", gamma="scale")
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(machine, method="temperature", ensemble=False, cv=3))


def random_forest(input_shape: tuple[int], n_genres: int, *, seed: int) -> Pipeline:
    """Average 200 decision trees, each grown on a bootstrap of the training items."""
    return make_pipeline(StandardScaler(), RandomForestClassifier(200, random_state=seed))
