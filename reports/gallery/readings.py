"""The specification curve of a publication's readings."""

from reports.figures import specification
from reports.gallery.picture import Picture
from reports.results.specification import analyse
from reports.results.study import Study
from reports.tables import readings
from reports.tables.output import Output

CAPTION = "Every reading's difference to the baseline, and below it what the reading changes."


def picture(study: Study, built: Output, method: str, metric: str, reference: str) -> Picture:
    """The figure that goes with the table of readings. BenchError where none has an effect yet."""
    found = analyse(study.measured, method, metric, reference)
    drawn = specification.draw(found, readings.conclusion(found))
    return Picture(built.name, drawn, CAPTION, built.tests)
