-- Labels that were saved in less time than reading takes, of those that were timed.
select count(*) filter (where is_fast) as num_fast, count(*) as num_timed
from annotation
where action = 'label' and origin = 'review' and duration_seconds is not null
