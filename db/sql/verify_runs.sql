-- Runs whose predictions are not those that were stored.
with row_digest as (
    select run_id, item_id, sha256(to_json(stored_prediction)::varchar) as digest from stored_prediction
),
found as (
    select run_id as row_key, sha256(string_agg(digest, '' order by item_id)) as digest
    from row_digest
    group by run_id
)
select
    expected.number,
    coalesce(found.row_key, expected.row_key) as row_key,
    case
        when found.row_key is null then 'missing'
        when expected.row_key is null then 'unknown'
        else 'changed'
    end as fault
from found
full join (select * from expected where kind = $kind) as expected using (row_key)
where found.digest is distinct from expected.digest
order by expected.number nulls last
