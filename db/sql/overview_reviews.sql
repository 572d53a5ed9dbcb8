-- Current judgements of reviewers that are newer than $since (null: all of it).
select
    count(*) as num_annotations,
    count(*) filter (where annotation.label is distinct from item.gold_label) as num_changed,
    count(*) filter (where item.split = 'train') as num_train,
    count(*) filter (
        where item.split = 'train' and annotation.label is distinct from item.gold_label
    ) as num_changed_train
from standing_annotation as annotation
join item on item.item_id = annotation.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = annotation.item_id
where annotation.origin = 'review'
    and ($since::timestamp is null or annotation.created_at > $since::timestamp)
