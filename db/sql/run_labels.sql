-- Whether a run has labels read from texts, and of a head; over the tables that scored_runs fills.
select coalesce(bool_or(has_text_outcome), false), coalesce(bool_or(head_label is not null), false)
from scratch.outcome
where run_id = $run_id
