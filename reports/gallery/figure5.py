"""Figure 5: t-SNE of penultimate features under three methods."""

from collections.abc import Sequence

from bench.base.errors import BenchError
from bench.grid.notation import parts
from bench.grid.selection import Selection
from bench.study import Study
from reports.figures import tsne
from reports.figures.figure import Picture, left_out, note, under
from reports.results.view import View
from reports.results.wording import stem

METHODS = ("cutmix", "bsda", "ails")
"""The paper's."""


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
"""Dataset, backbone, ratio and seed: what is one picture."""


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each dataset, backbone, ratio and seed, from the features that are in the store.

    Raises BenchError where no method's features can be embedded.
    """
    (study,) = studies
    groups: dict[Group, dict[str, str]] = {}
    for run in study.measured.grid.runs:
        cell = run.cell
        group = groups.setdefault((cell.dataset, cell.backbone, cell.ratio, run.seed), {})
        group[cell.method.label] = run.key
    drawn = [_picture(study, view.split, group, keys) for group, keys in groups.items()]
    return [picture for picture in drawn if picture]


def _picture(study: Study, split: str, group: Group, keys: dict[str, str]) -> Picture | None:
    """None where no method has features."""
    dataset, backbone, ratio, seed = group
    stored = [m for m, key in keys.items() if study.store.features_path(key, split).exists()]
    if not stored:
        return None
    found, reasons = [], []
    for method in stored:
        try:
            found.append(tsne.embed(method, *study.store.features(keys[method], split)))
        except BenchError as reason:
            reasons.append(str(reason))
    if not found:
        raise BenchError(reasons[0])
    (info,) = (info for info in study.measured.grid.datasets if info.name == dataset)
    name = stem(study, "figure5", dataset, backbone=backbone, ratio=ratio)
    images = f"{len(found[0].points):,} images of the {split} split, seed {seed}"
    return Picture(
        f"{name}-{seed}" if len(study.measured.seeds) > 1 else name,
        tsne.draw(found, info.labels, note(study, images)),
        f"t-SNE of penultimate features of {dataset}, {under(backbone, ratio)}: {images}. "
        "The number of a class stands by the median of its points. Silhouette and the accuracy of "
        "the five nearest neighbours (5-NN) are those of the features, not of the picture."
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
