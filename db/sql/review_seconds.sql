-- Longer times are those of a page left open, not of work.
select median(duration_seconds), count(*)
from standing_annotation
where origin = 'review' and duration_seconds between 0 and 600
