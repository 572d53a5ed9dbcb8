-- The refits started with the words $triggered_by that have ended and stand in the lists, newest
-- first, and whether anybody or anything needs them: they have an alias, or a person ever gave them
-- one; another run that stands in the lists starts from them or is compared with them; a queue
-- shows their answers.
with listed as (
    select
        run_id, base_run_id, task, state, created_at,
        json_extract_string(settings, '$.triggered_by') as triggered_by,
        json_extract_string(settings, '$.settings.artifact_run_id') as artifact_run_id
    from current_training_run
    anti join retired_run using (run_id)
),
needed as (
    select base_run_id as run_id from listed
    union all
    select artifact_run_id from listed
    union all
    select run_id from queue
    union all
    select model_version.run_id
    from model_alias
    join model_version on model_version.version = model_alias.version
    where model_alias.action <> 'register'
    union all
    select model_version.run_id
    from current_model_alias
    join model_version on model_version.version = current_model_alias.version
)
select run_id, run_id in (select run_id from needed where run_id is not null) as is_needed
from listed
where task = 'refit'
    and triggered_by = $triggered_by
    and state not in ('queued', 'starting', 'running')
order by created_at desc, run_id desc
