-- Items to adjudicate, those on which most pairs of people differ first.
-- $show: open, rejected or decided; $origin, $label_set, $source (null: all); $threshold; $viewer
with answer as (
    select
        item_id,
        labels,
        count(*) as num_alike
    from final_rating
    where $origin is null or origin = $origin
    group by item_id, labels
),
judged as (
    select
        item.item_id,
        count(answer.labels) as num_answers,
        coalesce(sum(answer.num_alike), 0) as num_people,
        coalesce(sum(answer.num_alike * (answer.num_alike - 1)), 0) as num_agreeing,
        coalesce(
            sum(answer.num_alike) filter (where not list_contains(answer.labels, item.gold_label)), 0
        ) as num_rejecting
    from item
    join answer on answer.item_id = item.item_id
    where ($label_set is null or item.label_set = $label_set)
        and ($source is null or item.source = $source)
    group by item.item_id
)
select judged.item_id
from judged
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = judged.item_id
left join (select distinct item_id, true as is_decided from standing_adjudication) as decided
    on decided.item_id = judged.item_id
where case $show
    when 'open' then judged.num_answers > 1 and decided.is_decided is null
    when 'rejected' then judged.num_rejecting >= $threshold and decided.is_decided is null
    else decided.is_decided
end
order by
    judged.num_agreeing / greatest(judged.num_people * (judged.num_people - 1), 1),
    judged.item_id
