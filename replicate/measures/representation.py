"""Is a representation good for the downstream task, telling digits apart? And does the code itself leak the label?

The reading note's question. A representation is a function from images to vectors; here it is given by its values:
features (N, d) of a training split, to which everything is fitted, and (M, d) of a test split, which is only scored.
Any representation is scored by the same two measures: a linear probe with few or all labels, k-means without any.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import normalized_mutual_info_score
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from threadpoolctl import threadpool_limits

from replicate.measures import classification
from replicate.measures.classification import DIGITS
from replicate.params import Params


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, d), (M, d) shifted and scaled so that each has mean 0 and variance 1 over the training split.

    Customary for layers of a network, whose features have no unit in common. A constant feature becomes 0.
    """
    mean, std = train.mean(axis=0), train.std(axis=0)
    std[std == 0] = 1
    return (train - mean) / std, (test - mean) / std


def labelled(digit: np.ndarray, per_digit: int, random: np.random.Generator) -> np.ndarray:
    """Indices of `per_digit` images of each digit, drawn without replacement: (N,) -> (10 per_digit,)."""
    return np.concatenate([random.choice(np.flatnonzero(digit == d), per_digit, replace=False) for d in range(DIGITS)])


def probe(
    train: np.ndarray, digit: np.ndarray, test: np.ndarray, test_digit: np.ndarray, config: Params, splits: int
) -> float:
    """Test error of a linear probe: multinomial logistic regression on features (N, d) and labels (N,), L2 penalty.

    The penalty is that of `represent.penalties` (scikit-learn's C) which does best on a held-out fifth of these same
    labels, on average over `splits` such splits; the probe is then fitted to all of them.
    """
    search = GridSearchCV(
        LogisticRegression(max_iter=config.represent.probe_iterations),
        {"C": config.represent.penalties},
        cv=StratifiedShuffleSplit(splits, test_size=0.2, random_state=config.represent.seed),
    )
    return 1 - float(search.fit(train, digit).score(test, test_digit))


def probe_scores(
    train: np.ndarray, digit: np.ndarray, test: np.ndarray, test_digit: np.ndarray, config: Params
) -> dict[str, float]:
    """Errors of linear probes with few labels a digit (10, 100), means over draws of the labels, and with all labels.

    The draws are the same for every representation.
    """
    scores = {}
    for per_digit in config.represent.labels_per_digit:
        random = np.random.default_rng([config.represent.seed, per_digit])
        subsets = [labelled(digit, per_digit, random) for _ in range(config.represent.label_draws)]
        errors = [probe(train[s], digit[s], test, test_digit, config, splits=3) for s in subsets]
        scores[f"probe_error_{per_digit}"] = float(np.mean(errors))
    return scores | {"probe_error_all": probe(train, digit, test, test_digit, config, splits=1)}


def kmeans_scores(
    train: np.ndarray, digit: np.ndarray, test: np.ndarray, test_digit: np.ndarray, config: Params
) -> dict[str, float]:
    """k-means with ten clusters on features (N, d), the best of `config.represent.kmeans_restarts` by inertia.

    kmeans_error: test error once each cluster is matched to a digit, one-to-one, on the training split. kmeans_nmi:
    normalised mutual information (arithmetic mean) of clusters and digits on the test split.
    """
    kmeans = KMeans(DIGITS, n_init=config.represent.kmeans_restarts, random_state=config.represent.seed)
    with threadpool_limits(1, user_api="openmp"):  # several threads add up a cluster in any order
        cluster, test_cluster = kmeans.fit_predict(train), kmeans.predict(test)
    matched = classification.match_one_to_one(classification.contingency(cluster, digit, DIGITS))
    return {
        "kmeans_error": float(np.mean(matched[test_cluster] != test_digit)),
        "kmeans_nmi": float(normalized_mutual_info_score(test_digit, test_cluster)),
    }


def scores(
    train: np.ndarray, digit: np.ndarray, test: np.ndarray, test_digit: np.ndarray, config: Params
) -> dict[str, float]:
    """Both measures of a representation: float32 features (N, d) and (M, d) of images of digits (N,) and (M,)."""
    arguments = (train, digit, test, test_digit, config)
    return probe_scores(*arguments) | kmeans_scores(*arguments)


def label_information(category: np.ndarray, digit: np.ndarray, categories: int) -> dict[str, float]:
    """I(category; digit) in nats, of pairs (N,), (N,), against H(digit), the most that there is to know.

    Plug-in estimates with the correction of Miller (1955) and Madow: the entropy of m cells that occur is raised by
    (m − 1) / 2N. The plug-in estimate of the information itself, here beside it, is too high on average.
    """
    counts = classification.contingency(category, digit, categories)

    def entropy(cells: np.ndarray, corrected: bool) -> float:
        p = cells[cells > 0] / len(digit)
        return float(-(p * np.log(p)).sum() + corrected * (len(p) - 1) / (2 * len(digit)))

    def information(corrected: bool) -> float:
        parts = (counts.sum(axis=1), counts.sum(axis=0))
        return sum(entropy(part, corrected) for part in parts) - entropy(counts.ravel(), corrected)

    of_digit = entropy(counts.sum(axis=0), True)
    return {
        "information": information(True),
        "information_uncorrected": information(False),
        "entropy_digit": of_digit,
        "share": information(True) / of_digit,
    }
