-- Every item with a label of record that is not hidden from the viewer, as a run may read it.
with reviewed as (
    select
        standing_annotation.item_id,
        list(annotation_id order by annotation_number) as annotation_ids,
        -- A corrected text counts only where it supports the label that stands.
        arg_max(answer, annotation_number) filter (
            where answer is not null and standing_annotation.label = gold.label
        ) as corrected_answer
    from standing_annotation
    join gold on gold.item_id = standing_annotation.item_id
    where standing_annotation.origin = 'review'
    group by standing_annotation.item_id
),
vetoed as (
    select
        item_id,
        coalesce(list(num_shots order by num_shots) filter (where num_shots is not null), []::integer[])
            as num_shots,
        bool_or(num_shots is null) as is_whole
    from standing_veto
    group by item_id
)
select
    item.item_id,
    item.source,
    item.split,
    item.question,
    item.context,
    item.label_set,
    item.labels,
    item.options,
    gold.label,
    gold.origin as label_origin,
    item.gold_label as imported_label,
    item.long_answer,
    reviewed.corrected_answer,
    coalesce(reviewed.annotation_ids, []::varchar[]) as annotation_ids,
    null::varchar as parent_item_id,
    coalesce(vetoed.num_shots, []::integer[]) as vetoed_shots,
    coalesce(vetoed.is_whole, false) as is_vetoed,
    item.metadata,
    case when list_transform(known.labels, lambda one: one.name) = item.labels
        and len(list_filter(known.labels, lambda one: one.definition <> '')) > 0
        then list_transform(known.labels, lambda one: one.definition) end as definitions,
    case when list_transform(known.labels, lambda one: one.name) = item.labels
        and len(list_filter(known.labels, lambda one: len(one.codes) = 0)) = 0
        then list_transform(known.labels, lambda one: one.codes[1]) end as codes
from item
left join current_label_set as known on known.name = item.label_set
join gold on gold.item_id = item.item_id
left join reviewed on reviewed.item_id = item.item_id
left join vetoed on vetoed.item_id = item.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
where gold.label is not null
order by item.item_id
