-- Longer times are those of a page left open, not of work.
select count(*), avg(duration_seconds), stddev_samp(duration_seconds), median(duration_seconds)
from scratch.annotation
where origin = 'review' and duration_seconds between 0 and 600
