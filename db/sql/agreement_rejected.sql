-- Items whose gold label at least $threshold reviewers do not accept in the end, most of them first.
-- $gold: record or imported; $label_set, $origin, $source (null: all); $limit, $offset
with judged as (
    select
        final_rating.item_id,
        any_value(item.question) as question,
        any_value(case $gold when 'record' then record.label else item.gold_label end) as gold,
        list_sort(list(final_rating.labels)) as answers
    from final_rating
    join item on item.item_id = final_rating.item_id
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = final_rating.item_id
    left join (select item_id, label from gold where $gold = 'record') as record
        on record.item_id = final_rating.item_id
    where item.label_set = $label_set
        and final_rating.origin = $origin
        and ($source is null or item.source = $source)
    group by final_rating.item_id
)
select
    item_id,
    question,
    gold,
    answers,
    len(list_filter(answers, lambda answer: not accepts(answer, gold))) as num_rejecting
from judged
where num_rejecting >= $threshold
order by num_rejecting desc, item_id
limit $limit offset $offset
