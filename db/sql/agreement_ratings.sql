-- Every rating of a phase with the gold label of its item; null where it has none.
-- $gold: record or imported; $label_set, $origin, $phase, $source (null: all)
select
    rating.item_id,
    rating.reviewer_id,
    case $gold when 'record' then record.label else item.gold_label end as gold,
    rating.labels,
    coalesce(annotation.guideline_version, '') as version
from rating
join annotation on annotation.annotation_id = rating.annotation_id
join item on item.item_id = rating.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = rating.item_id
left join (select item_id, label from gold where $gold = 'record') as record
    on record.item_id = rating.item_id
where item.label_set = $label_set
    and rating.origin = $origin
    and rating.phase = $phase
    and ($source is null or item.source = $source)
order by rating.item_id, rating.reviewer_id
