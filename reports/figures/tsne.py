"""Figure 5 of the paper: t-SNE of penultimate features, and what can be said of them in numbers.

An embedding shows clusters that are not there and hides others, so that silhouette and neighbour
accuracy are computed in the space of the features (van der Maaten and Hinton, 2008; Wattenberg et
al., Distill 2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from bench.base.errors import BenchError
from bench.grid.notation import parts
from bench.grid.selection import Selection
from bench.study import Study
from reports.figures import style
from reports.figures.figure import Figure, info_of, left_out, note, under
from reports.results.view import View
from reports.results.wording import stem

METHODS = ("cutmix", "bsda", "ails")
"""The paper's."""
NEIGHBOURS = 5
LARGEST = 7000
"""Images in a panel, as in the paper."""
PANELS = 3
"""As many fill the width of a page, and fewer take the same share of it."""
NUMBER = 0.08
"""Room for the number of a class, as a part of the extent of all points."""


@dataclass(frozen=True)
class Embedding:
    """One method: points (N, 2) and classes (N,), and two numbers of the features themselves.

    `silhouette` is None where the images are of one class; `neighbour_accuracy` is that of the
    majority among the 5 nearest others, a tie going to the lowest class.
    """

    method: str
    points: NDArray[np.floating]
    targets: NDArray[np.integer]
    silhouette: float | None
    neighbour_accuracy: float


def embed(
    method: str, features: NDArray[np.floating], targets: NDArray[np.integer], seed: int = 0
) -> Embedding:
    """Embed features (N, D); of more than 7,000 images a sample, the same for every method.

    Raises BenchError for several labels an image, too few images, and features without variance.
    """
    if targets.ndim == 2 and targets.shape[1] > 1:
        raise BenchError(
            "a t-SNE needs one class for each image, and this dataset has several labels; "
            "choose a dataset with one"
        )
    if len(features) <= NEIGHBOURS:
        raise BenchError(f"{len(features)} images are too few for a t-SNE; give at least 6")
    if not np.ptp(features, axis=0).any():
        raise BenchError(f"the features of {method} are the same for all images; train it longer")
    chosen = np.arange(len(features))
    if len(chosen) > LARGEST:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, LARGEST, replace=False))
    features, classes = features[chosen], targets.reshape(-1)[chosen]
    perplexity = min(30.0, (len(chosen) - 1) / 3)
    from sklearn.manifold import TSNE

    points = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(features)
    return Embedding(
        method=method,
        points=points,
        targets=classes,
        silhouette=_silhouette(features, classes),
        neighbour_accuracy=neighbour_accuracy(features, classes),
    )


def neighbour_accuracy(features: NDArray[np.floating], targets: NDArray[np.integer]) -> float:
    """Leave-one-out accuracy of the 5 nearest neighbours, by Euclidean distance."""
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(features)
    neighbours = targets[nearest.kneighbors(return_distance=False)]
    votes = (neighbours[:, :, None] == np.unique(targets)).sum(1)
    return float((np.unique(targets)[votes.argmax(1)] == targets).mean())


@style.styled
def draw(
    embeddings: Sequence[Embedding], class_names: Sequence[str] | None = None, note: str = ""
) -> MplFigure:
    """A panel for each method; `class_names[k]` names class k, whose number stands at the median of
    its points. The rarest class lies on top."""
    methods = ", ".join(embedding.method for embedding in embeddings)
    label = f"t-SNE of penultimate features: {methods}"
    classes = np.unique(np.concatenate([embedding.targets for embedding in embeddings]))
    rows, panel = -(-len(embeddings) // PANELS), style.PAGE / PANELS
    columns = -(-len(embeddings) // rows)
    width = max(style.COLUMN, panel * columns)
    figure = style.new(width, panel * rows + 1, label, note)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for letter, axes, embedding in zip(ascii_lowercase, grid, embeddings, strict=False):
        _scatter(axes, embedding, classes)
        _number(axes, embedding)
        method = style.wrap(f"({letter}) {embedding.method}", panel)
        axes.set_title(f"{method}\n{_numbers(embedding)}")
    for axes in grid[len(embeddings) :]:
        axes.remove()
    handles = [
        Line2D([], [], label=name, **style.look(index) | {"linestyle": "none"})
        for index, k in enumerate(classes)
        for name in [f"{k} {class_names[k]}" if class_names else f"class {k}"]
    ]
    style.add_legend(figure, handles)
    return figure


def _silhouette(features: NDArray[np.floating], targets: NDArray[np.integer]) -> float | None:
    if not 1 < len(np.unique(targets)) < len(targets):
        return None
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(features, targets))


def _scatter(axes: Axes, embedding: Embedding, classes: NDArray[np.integer]) -> None:
    area = float(np.clip(6000 / len(embedding.points), 4, 14))
    members = [(index, embedding.targets == k) for index, k in enumerate(classes)]
    for index, member in sorted(members, key=lambda pair: -pair[1].sum()):
        look = style.look(index)
        axes.scatter(
            embedding.points[member, 0],
            embedding.points[member, 1],
            s=area,
            color=look["color"],
            marker=look["marker"],
            linewidths=0,
            rasterized=True,  # thousands of marks would be megabytes in a page
        )
    axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
    axes.spines[:].set_visible(True)


def _number(axes: Axes, embedding: Embedding) -> None:
    """Each class by its number, in black: colours and small marks are not told apart in gray."""
    classes = np.unique(embedding.targets)
    medians = [np.median(embedding.points[embedding.targets == k], axis=0) for k in classes]
    distance = NUMBER * float(np.ptp(embedding.points, axis=0).max())
    for k, (x, y) in zip(classes, _apart(np.array(medians), distance), strict=True):
        axes.text(
            x,
            y,
            str(k),
            ha="center",
            va="center",
            fontweight="bold",
            path_effects=[withStroke(linewidth=2, foreground="#ffffff")],
        )


def _apart(places: NDArray[np.floating], distance: float) -> NDArray[np.floating]:
    """Places (K, 2), those nearer to each other than the distance pushed apart."""
    angles = np.arange(len(places))
    places = places + 1e-3 * distance * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for _ in range(100):
        between = places[:, None] - places
        lengths = np.linalg.norm(between, axis=2) + np.eye(len(places))
        push = (distance - lengths).clip(0) * (1 - np.eye(len(places))) / lengths
        places = places + (push[:, :, None] * between).sum(1) / 2
    return places


def _numbers(embedding: Embedding) -> str:
    found = embedding.silhouette
    silhouette = "–" if found is None else f"{found:z.2f}".replace("-", "−")
    return f"silhouette {silhouette}, {NEIGHBOURS}-NN {100 * embedding.neighbour_accuracy:.1f} %"


def select(selection: Selection) -> Selection:
    """A run of each method: the first dataset, backbone, ratio and seed."""
    return selection.model_copy(
        update={
            "methods": METHODS,
            "datasets": selection.datasets[:1],
            "backbones": (parts(selection.backbones[0])[0],),
            "ratios": selection.ratios[:1],
            "seeds": selection.seeds[:1],
        }
    )


def one_seed(selection: Selection) -> Selection:
    """The first seed alone, whatever was named."""
    return selection.model_copy(update={"seeds": selection.seeds[:1]})


Group = tuple[str, str, float, int]
"""Dataset, backbone, ratio and seed: what is one figure."""


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each dataset, backbone, ratio and seed, from the features that are in the store.

    Raises BenchError where no method's features can be embedded.
    """
    (study,) = studies
    groups: dict[Group, dict[str, str]] = {}
    for run in study.measured.grid.runs:
        cell = run.cell
        group = groups.setdefault((cell.dataset, cell.backbone, cell.ratio, run.seed), {})
        group[cell.method.label] = run.key
    drawn = [_figure(study, view.split, group, keys) for group, keys in groups.items()]
    return [figure for figure in drawn if figure]


def _figure(study: Study, split: str, group: Group, keys: dict[str, str]) -> Figure | None:
    """None where no method has features."""
    dataset, backbone, ratio, seed = group
    stored = [m for m, key in keys.items() if study.store.features_path(key, split).exists()]
    if not stored:
        return None
    found, reasons = [], []
    for method in stored:
        try:
            found.append(embed(method, *study.store.features(keys[method], split)))
        except BenchError as reason:
            reasons.append(str(reason))
    if not found:
        raise BenchError(reasons[0])
    name = stem(study, "figure5", dataset, backbone=backbone, ratio=ratio)
    images = f"{len(found[0].points):,} images of the {split} split, seed {seed}"
    return Figure(
        f"{name}-{seed}" if len(study.measured.seeds) > 1 else name,
        draw(found, info_of(study, dataset).labels, note(study, images)),
        f"t-SNE of penultimate features of {dataset}, {under(backbone, ratio)}: {images}. "
        "The number of a class stands by the median of its points. Silhouette and the accuracy of "
        "the five nearest neighbours (5-NN) are those of the features, not of the embedding."
        + left_out("Left out, as no features are stored", [m for m in keys if m not in stored])
        + left_out("Left out", reasons),
        [
            {
                "method": one.method,
                "silhouette": one.silhouette,
                "neighbour_accuracy": one.neighbour_accuracy,
                "images": len(one.points),
                "seed": seed,
            }
            for one in found
        ],
    )
