-- Links that do not follow the one before them, or are not written as this product writes them.
with placed as (
    select
        *,
        row_number() over (order by place) - 1 as expected,
        lag(line) over (order by place) as before
    from link
)
select expected, kind, row_key
from placed
where number is distinct from expected
    or previous is distinct from case when before is null then '' else sha256(before) end
    or line is distinct from json_object(
        'digest', digest, 'key', row_key, 'kind', kind, 'number', number, 'previous', previous
    )::varchar
order by expected
limit 1
