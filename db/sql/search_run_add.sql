insert into search_run by name
select distinct run_id
from stored_prediction as prediction
where answer is not null
    and run_id not in (select run_id from search_run)
