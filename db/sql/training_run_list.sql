with latest as (
    select
        run_id,
        arg_max(state, training_state_number) as state,
        arg_max(message, training_state_number) as message
    from training_state
    group by run_id
)
select
    training_run.run_id, preset, latest.state, settings, created_at, created_by, base_run_id,
    latest.message
from training_run
join latest on latest.run_id = training_run.run_id
order by created_at desc, training_run.run_id desc
