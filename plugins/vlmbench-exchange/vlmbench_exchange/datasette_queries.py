"""Canned queries for Datasette over the tables of an export, and the view that they read.

An empty field of a query's form leaves that condition out. Where a metric is not named, it is the one that ranks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vlmbench_sdk.metric import NO_GOLD, NOT_COMPARED
from vlmbench_sdk.records import FAILED_STATUSES

_FAILED = ", ".join(f"'{status}'" for status in sorted(FAILED_STATUSES))
_TOO_MUCH = " OR ".join(f"m.detail LIKE '{reason}%'" for reason in NOT_COMPARED)
VERDICT = f"""
CASE WHEN m.category <> '' THEN m.category
     WHEN m.detail = '{NO_GOLD}' THEN ''
     WHEN a.status IN ({_FAILED}) THEN 'failed'
     WHEN m.value IS NULL THEN CASE WHEN {_TOO_MUCH} THEN 'unscored' ELSE '' END
     WHEN e.best IS NULL THEN ''
     WHEN m.value = e.best THEN 'correct'
     ELSE 'not_best' END
"""
"""The category of a score; where its metric gives none, what its status and its value say.

Empty where nothing can be said: without gold, and where a metric has neither categories nor a best value.
"""

RESULTS = """
CREATE VIEW results AS
SELECT m.model, m.dataset, m.sample_id, i.sha256 AS image, s.doc_type, s.field, s.subset, s.question,
       s."references", a.answer, a.status, m.metric, m.value, m.category, THE_VERDICT AS verdict,
       a.latency_ms, a.error, m.metric = c.headline AS is_headline, e.higher_is_better
FROM metrics AS m
JOIN answers AS a ON a.model = m.model AND a.dataset = m.dataset AND a.sample_id = m.sample_id
JOIN samples AS s ON s.dataset = m.dataset AND s.sample_id = m.sample_id
JOIN cells AS c ON c.model = m.model AND c.dataset = m.dataset
LEFT JOIN metric_entries AS e ON e.metric = m.metric
LEFT JOIN sample_images AS i ON i.dataset = m.dataset AND i.sample_id = m.sample_id AND i.page = 0
""".replace("THE_VERDICT", VERDICT.strip())
"""One row is a sample scored by a metric, with what was asked and answered, and its first page."""

THE_METRIC = "((:metric = '' AND is_headline) OR metric = :metric)"
"""What stands for its own name in the queries."""
FIGURES = ", ".join(f"round(a.{name}, 4) AS {name}" for name in ("value", "ci_low", "ci_high", "coverage"))
"""The same; the table has all digits."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query that people find by its title."""

    title: str
    description: str
    sql: str

    def metadata(self) -> Mapping[str, object]:
        """As Datasette takes it."""
        sql = self.sql.strip().replace("THE_METRIC", THE_METRIC).replace("FIGURES", FIGURES)
        return {"title": self.title, "description": self.description, "sql": sql, "hide_sql": True}


RIGHT = (
    "Right is what the metric calls correct, or what has its best value where it gives no category; a failure is wrong."
)

QUERIES = {
    "leaderboard": Query(
        "Leaderboard",
        "The headline of every cell, failed answers counted as worst, with its 95 % interval, coverage and latency",
        """
SELECT a.dataset, a.model, a.metric, FIGURES, a.n, c.failed,
       round(c.median_latency_ms, 1) AS median_latency_ms
FROM aggregates AS a
JOIN cells AS c ON c.model = a.model AND c.dataset = a.dataset AND c.headline = a.metric
LEFT JOIN metric_entries AS e ON e.metric = a.metric
WHERE a.dimension = 'overall' AND a.policy = 'failures_worst' AND (:dataset = '' OR a.dataset = :dataset)
ORDER BY a.dataset, CASE WHEN e.higher_is_better THEN -a.value ELSE a.value END NULLS LAST
""",
    ),
    "worst_samples": Query(
        "Worst samples",
        "What was not answered right: first what has no score, then the worst values",
        """
SELECT image, model, dataset, sample_id, field, question, "references", answer, status, metric, value, verdict, error
FROM results
WHERE THE_METRIC AND verdict NOT IN ('correct', '') AND (:model = '' OR model = :model)
  AND (:dataset = '' OR dataset = :dataset) AND (:field = '' OR field = :field)
ORDER BY value IS NULL DESC, CASE WHEN higher_is_better THEN value ELSE -value END, dataset, sample_id, model
""",
    ),
    "models_side_by_side": Query(
        "Models side by side",
        "Every sample with the answer of each model, marked ✓ or ✗ where it is right or wrong",
        """
SELECT max(image) AS image, dataset, sample_id, field, question, max("references") AS "references",
       COLUMNS
FROM results
WHERE THE_METRIC AND (:dataset = '' OR dataset = :dataset) AND (:field = '' OR field = :field)
GROUP BY dataset, sample_id, field, question
ORDER BY dataset, sample_id
""",
    ),
    "disagreements": Query(
        "Disagreements between two models",
        "Samples that one model got right and the other did not; without names: all pairs of models",
        """
SELECT r.image, r.dataset, r.sample_id, r.field, r.question, r."references", r.model AS right_model,
       r.answer AS right_answer, w.model AS wrong_model, w.answer AS wrong_answer, w.status, w.verdict
FROM (SELECT * FROM results WHERE THE_METRIC AND verdict = 'correct') AS r
JOIN (SELECT * FROM results WHERE THE_METRIC AND verdict NOT IN ('correct', '')) AS w
  ON w.dataset = r.dataset AND w.sample_id = r.sample_id AND w.metric = r.metric AND w.model <> r.model
WHERE (:model = '' OR :model IN (r.model, w.model)) AND (:other_model = '' OR :other_model IN (r.model, w.model))
  AND (:dataset = '' OR r.dataset = :dataset)
ORDER BY r.dataset, r.sample_id, r.model, w.model
""",
    ),
    "errors_by_field": Query(
        "Errors by field",
        "How the answers of each model are wrong, by what was asked for",
        """
SELECT dataset, model, field, metric, count(*) AS samples,
       sum(verdict = 'correct') AS correct, sum(verdict = 'wrong_value') AS wrong_value,
       sum(verdict = 'wrong_format') AS wrong_format, sum(verdict = 'missing') AS missing,
       sum(verdict = 'spurious') AS spurious, sum(verdict = 'unparsed') AS unparsed,
       sum(verdict = 'failed') AS failed, sum(verdict = 'unscored') AS unscored, sum(verdict = 'not_best') AS not_best
FROM results
WHERE THE_METRIC AND verdict <> '' AND (:model = '' OR model = :model) AND (:dataset = '' OR dataset = :dataset)
GROUP BY dataset, model, field, metric
ORDER BY 1.0 * sum(verdict = 'correct') / count(*), dataset, model, field
""",
    ),
    "scores_by_group": Query(
        "Scores by group",
        "Scores broken down by a dimension such as subset, field, doc_type or language",
        """
SELECT a.dataset, a.dimension, a."group", a.metric, a.model, FIGURES, a.n
FROM aggregates AS a
JOIN cells AS c ON c.model = a.model AND c.dataset = a.dataset
WHERE a.policy = 'failures_worst' AND a.dimension = CASE WHEN :dimension = '' THEN 'subset' ELSE :dimension END
  AND ((:metric = '' AND a.metric = c.headline) OR a.metric = :metric) AND (:dataset = '' OR a.dataset = :dataset)
ORDER BY a.dataset, a.dimension, a."group", a.model
""",
    ),
    "failures": Query(
        "Failed answers",
        "Answers that are refused, unparsed, timed out or errors, by their reason",
        """
SELECT model, dataset, status, error, count(*) AS answers, min(sample_id) AS sample_id
FROM answers
WHERE status NOT IN ('ok', 'empty', 'truncated') AND (:model = '' OR model = :model)
  AND (:dataset = '' OR dataset = :dataset)
GROUP BY model, dataset, status, error
ORDER BY answers DESC
""",
    ),
    "slowest": Query(
        "Slowest answers",
        "By how long a caller waits for the answer alone",
        """
SELECT i.sha256 AS image, a.model, a.dataset, a.sample_id, round(a.latency_ms, 1) AS latency_ms, a.attempts,
       a.input_tokens, a.output_tokens, s.question, a.answer, a.status
FROM answers AS a
JOIN samples AS s ON s.dataset = a.dataset AND s.sample_id = a.sample_id
LEFT JOIN sample_images AS i ON i.dataset = a.dataset AND i.sample_id = a.sample_id AND i.page = 0
WHERE a.latency_ms IS NOT NULL AND (:model = '' OR a.model = :model) AND (:dataset = '' OR a.dataset = :dataset)
ORDER BY a.latency_ms DESC
LIMIT 200
""",
    ),
    "one_sample": Query(
        "One sample",
        "Everything that was said of one sample, and how it was scored",
        """
SELECT image, model, field, question, "references", answer, status, metric, value, verdict, latency_ms, error
FROM results
WHERE dataset = :dataset AND sample_id = :sample_id
ORDER BY is_headline DESC, metric, model
""",
    ),
}
"""By name, in the order that people are shown. COLUMNS stands for a column per model."""

_COLUMN = """
max(CASE WHEN model = 'MODEL' THEN
         CASE verdict WHEN '' THEN '' WHEN 'correct' THEN '✓ ' ELSE '✗ ' END ||
         CASE WHEN status IN ('ok', 'truncated') THEN answer ELSE '(' || status || ') ' || answer END
         END) AS "MODEL"
"""


def canned_queries(models: Sequence[str]) -> dict[str, Query]:
    """The queries, for an export of some models."""
    # Names of models are letters, digits, '.', '_' and '-'; a quoted name may hold them.
    columns = ",\n       ".join(_COLUMN.strip().replace("MODEL", name) for name in models)
    return {name: replace(query, sql=query.sql.replace("COLUMNS", columns)) for name, query in QUERIES.items()}


def queries_html(queries: Mapping[str, Query]) -> str:
    """Links to the queries, which Datasette would list below all tables."""
    items = "".join(
        f'<li><a href="/vlmbench/{name}">{query.title}</a>: {query.description}</li>'
        for name, query in queries.items()
        if name != "one_sample"
    )
    return f"<ul>{items}</ul><p>A field of a form that is left empty leaves its condition out. {RIGHT}</p>"
