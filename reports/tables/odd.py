"""The mark † on cells that hold a run a reader should know of."""

from dataclasses import replace

from bench.study import Study
from reports.results import oddities
from reports.results.results import Results
from reports.tables.output import Output
from reports.tables.table import MISSING, Cell, Row

MARK = "†"


def marked(output: Output, results: Results, study: Study) -> Output:
    """A table of methods by datasets, with † where a run predicts one class only or is far from the
    other seeds, and a note that names these runs.
    """
    one_class, far = oddities.of_one_class(study, results), oddities.far_off(results)
    odd = {*one_class, *far}
    if not odd:
        return output
    headers = output.table.columns[1:]

    def of_row(row: Row) -> Row:
        named = zip(headers, row.cells, strict=True)
        cells = (
            replace(cell, mark=cell.mark + MARK)
            if (row.label, header) in odd and isinstance(cell, Cell) and cell != MISSING
            else cell
            for header, cell in named
        )
        return row if row.published else replace(row, cells=tuple(cells))

    first, *others = output.table.notes
    table = replace(
        output.table,
        rows=tuple(map(of_row, output.table.rows)),
        notes=(first, *oddities.sentences(one_class, far), *others),
    )
    return replace(output, table=table)
