select
    model_version.version, model_version.run_id, run.name, run.model, run.base_run_id,
    model_version.created_by, model_version.created_at,
    list_sort(list_filter(list(current_model_alias.alias), lambda x: x is not null)) as aliases
from model_version
join run on run.run_id = model_version.run_id
anti join retired_run on retired_run.run_id = model_version.run_id
left join current_model_alias on current_model_alias.version = model_version.version
group by all
order by model_version.version desc
