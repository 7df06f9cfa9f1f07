"""Figure 5: t-SNE of penultimate features under three methods."""

from collections.abc import Sequence

from bench.grid import parts
from bench.protocol import Selection
from reports.figures import tsne
from reports.gallery.picture import Picture, note
from reports.study import Study, View

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


SELECT = (select,)


def pictures(studies: Sequence[Study], view: View) -> list[Picture]:
    """One for each dataset, backbone, ratio and seed, from the features that are in the store."""
    (study,) = studies
    drawn = []
    groups: dict[tuple[str, str, float, int], dict[str, str]] = {}
    for run in study.measured.grid.runs:
        cell = run.cell
        group = groups.setdefault((cell.dataset, cell.backbone, cell.ratio, run.seed), {})
        group[cell.method.label] = run.key
    for (dataset, backbone, ratio, seed), keys in groups.items():
        found = [
            tsne.embed(method, *study.store.features(key, view.split))
            for method, key in keys.items()
            if study.store.features_path(key, view.split).exists()
        ]
        if not found:
            continue
        (info,) = (info for info in study.measured.grid.datasets if info.name == dataset)
        stem = ["figure5", dataset, *study.suffix(backbone)]
        stem += [f"{ratio:g}"] if len(study.ratios) > 1 else []
        stem += [str(seed)] if len(study.measured.seeds) > 1 else []
        drawn.append(
            Picture(
                "-".join(stem),
                tsne.draw(found, info.labels, note(study)),
                f"t-SNE of penultimate features of {dataset}, {view.split} split, {backbone}, "
                f"seed {seed}. Silhouette and the accuracy of the five nearest neighbours are "
                "those of the features, not of the picture.",
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
        )
    return drawn
