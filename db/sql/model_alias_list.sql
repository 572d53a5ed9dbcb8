select
    alias, version, action, reason, gate, model_alias.reviewer_id,
    coalesce(reviewer.name, model_alias.reviewer_id) as name, model_alias.created_at
from model_alias
left join current_reviewer as reviewer on reviewer.reviewer_id = model_alias.reviewer_id
where $alias::varchar is null or alias = $alias
order by model_alias_number desc
