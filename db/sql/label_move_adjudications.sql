-- The same for decisions.
insert into adjudication by name
select
    decided.* exclude (adjudication_number) replace (
        decided.adjudication_id || $suffix as adjudication_id,
        moved_label(decided.label, $before::varchar[], $moved::varchar[], $after::varchar[]) as label,
        item.version + 1 as item_version
    )
from standing_adjudication as decided
join every_item as item on item.item_id = decided.item_id
where item.label_set = $name
    and item.labels = $before::varchar[]
    and moved_label(decided.label, $before::varchar[], $moved::varchar[], $after::varchar[]) is not null
order by decided.adjudication_number
