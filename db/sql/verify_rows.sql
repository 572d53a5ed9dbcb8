-- Rows of one table that are not as their links say; db/evidence puts another table's view in.
with found as (
    select row_key, any_value(sha256(body)) as digest, count(*) as num_rows
    from evidence_annotation
    group by row_key
)
select
    expected.number,
    coalesce(found.row_key, expected.row_key) as row_key,
    case
        when found.row_key is null then 'missing'
        when expected.row_key is null then 'unknown'
        when found.num_rows > 1 then 'twice'
        else 'changed'
    end as fault
from found
full join (select * from expected where kind = $kind) as expected using (row_key)
where found.digest is distinct from expected.digest or found.num_rows > 1
order by expected.number nulls last
