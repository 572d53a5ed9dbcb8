-- Items to adjudicate: those on which people who review here differ, then those on which one of them
-- differs from imported annotators, then theirs alone. Of each kind those first on which a decision
-- would change most: the share of people who do not accept the label of record, times one and the
-- number of runs that gave this label or the one that most of the others gave, as a decision makes
-- those right or wrong. Then those on which most pairs of people differ.
-- $show: open, rejected or decided; $origin, $label_set, $source (null: all); $threshold; $viewer
with answer as (
    select
        item_id,
        labels,
        count(*) as num_alike,
        bool_or(origin = 'review') as is_own
    from final_rating
    where $origin is null or origin = $origin
    group by item_id, labels
),
judged as (
    select
        item.item_id,
        count(answer.labels) as num_answers,
        count(answer.labels) filter (where is_own) as num_own,
        coalesce(sum(answer.num_alike), 0) as num_people,
        coalesce(sum(answer.num_alike * (answer.num_alike - 1)), 0) as num_agreeing,
        coalesce(
            sum(answer.num_alike) filter (where not accepts(answer.labels, item.gold_label)), 0
        ) as num_rejecting
    from item
    join answer on answer.item_id = item.item_id
    where ($label_set is null or item.label_set = $label_set)
        and ($source is null or item.source = $source)
    group by item.item_id
),
record as materialized (
    select item_id, label from gold where item_id in (select item_id from judged)
),
alternative as (
    -- Of equally many all, so that the order is the same each time.
    select item_id, other.label
    from (
        select
            answer.item_id,
            answer.num_alike,
            -- Ratings hold their labels sorted, labels of items in the item's order.
            label_of(
                list_filter(item.labels, lambda one: list_contains(answer.labels, one)), item.is_several
            ) as label
        from answer
        join item on item.item_id = answer.item_id
    ) as other
    join record using (item_id)
    where other.label is distinct from record.label and other.label is not null
    qualify num_alike = max(num_alike) over (partition by item_id)
),
affected as (
    select prediction.item_id, count(distinct prediction.run_id) as num_runs
    from read_prediction as prediction
    join record on record.item_id = prediction.item_id
    left join alternative on alternative.item_id = prediction.item_id
    where coalesce(prediction.head_label, prediction.text_label) in (record.label, alternative.label)
    group by prediction.item_id
),
refusal as (
    select
        answer.item_id,
        sum(answer.num_alike) filter (
            where record.label is null or not accepts(answer.labels, record.label)
        ) / sum(answer.num_alike) as share
    from answer
    join record on record.item_id = answer.item_id
    group by answer.item_id
)
select judged.item_id
from judged
left join affected on affected.item_id = judged.item_id
left join refusal on refusal.item_id = judged.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = judged.item_id
left join (select distinct item_id, true as is_decided from standing_adjudication) as decided
    on decided.item_id = judged.item_id
where case $show
    when 'open' then judged.num_answers > 1 and decided.is_decided is null
    when 'rejected' then judged.num_rejecting >= $threshold and decided.is_decided is null
    else decided.is_decided
end
order by
    least(judged.num_own, 2) desc,
    coalesce(refusal.share, 0) * (1 + coalesce(affected.num_runs, 0)) desc,
    judged.num_agreeing / greatest(judged.num_people * (judged.num_people - 1), 1),
    judged.item_id
