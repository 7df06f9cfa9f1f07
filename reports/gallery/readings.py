"""The specification curve of a publication's readings."""

from bench.study import Study
from reports.figures import specification
from reports.figures.figure import Picture
from reports.results.specification import analyse
from reports.tables import readings
from reports.tables.readings import Readings

CAPTION = "Every reading's difference to the baseline, and below it what the reading changes."


def picture(study: Study, asked: Readings) -> Picture:
    """The figure that goes with the table of readings. BenchError where none has an effect yet."""
    found = analyse(study.measured, asked.method, asked.metric, asked.reference)
    drawn = specification.draw(found, readings.conclusion(found))
    built = readings.output(study, asked)
    return Picture(built.name, drawn, CAPTION, built.tests)
