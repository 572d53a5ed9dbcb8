-- A run with answers that are not in the index.
with stored as (
    select run_id, count(answer) as num_answers
    from stored_prediction
    group by run_id
),
indexed as (
    select run_number, count(*) as num_answers
    from search_answer
    group by run_number
)
select min(stored.run_id)
from stored
join search_run using (run_id)
left join indexed using (run_number)
where stored.num_answers > coalesce(indexed.num_answers, 0)
having count(*) > 0
