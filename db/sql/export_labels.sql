-- The label of record of every item with the imported one and the reviewers' labels.
with reviewed as (
    select
        item_id,
        count(*) as num_annotations,
        list(label order by annotation_number) as annotated_labels
    from standing_annotation
    where origin = 'review'
    group by item_id
)
select
    item.item_id,
    item.source,
    item.split,
    item.label_set,
    item.gold_label as imported_label,
    gold.label as label_of_record,
    gold.origin as label_of_record_origin,
    gold.conflicting,
    coalesce(reviewed.num_annotations, 0) as num_annotations,
    coalesce(reviewed.annotated_labels, []) as annotated_labels
from item
join gold on gold.item_id = item.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
left join reviewed on reviewed.item_id = item.item_id
order by item.item_id
