-- What is wrong with the incoming predictions, at most one fault each.
select run_id, item_id, fault
from (
    select
        p.run_id,
        p.item_id,
        case
            when run.run_id is null then 'there is no such run'
            when item.item_id is null then 'there is no such item'
            when prediction.item_id is not null then 'the run has a prediction for this item already'
            when count(*) over (partition by p.run_id, p.item_id) > 1 then 'given twice'
            when p.answer_label is not null and not allows_label(item.labels, item.is_several, p.answer_label)
                then 'answer_label ' || array_to_string(labels_in(p.answer_label), ', ') || ' is none of ' || item.labels::varchar
            when p.head_label is not null and not allows_label(item.labels, item.is_several, p.head_label)
                then 'head_label ' || array_to_string(labels_in(p.head_label), ', ') || ' is none of ' || item.labels::varchar
            when (p.head_label is null) <> (p.head_probabilities is null)
                then 'head_label and head_probabilities must be given together'
            when len(p.head_probabilities) <> len(item.labels)
                then len(p.head_probabilities)::varchar || ' head_probabilities for '
                    || len(item.labels)::varchar || ' labels'
            when len(list_filter(p.head_probabilities, lambda x: x is null or not (x between 0 and 1)))
                    > 0
                or (not item.is_several and abs(list_sum(p.head_probabilities) - 1) > 0.001)
                then 'head_probabilities are not probabilities that sum to 1'
            when (p.answer_start is null) <> (p.answer_end is null)
                or p.answer_start < 0
                or p.answer_end < p.answer_start
                or (p.answer_end is not null and (p.answer is null or p.answer_end > length(p.answer)))
                then 'answer_start and answer_end do not lie in the answer'
            when not isfinite(p.latency_seconds) or p.latency_seconds < 0
                then 'latency_seconds is no duration'
            when p.prompt_tokens < 0 or p.answer_tokens < 0 then 'a number of tokens is negative'
        end as fault
    from incoming_prediction as p
    left join run using (run_id)
    left join seen_version as seen on seen.run_id = p.run_id and seen.item_id = p.item_id
    -- As the run saw it: the item may have been corrected since.
    left join item_history as item
        on item.item_id = p.item_id and item.version = coalesce(seen.version, 1)
    left join stored_prediction as prediction
        on prediction.run_id = p.run_id and prediction.item_id = p.item_id
)
where fault is not null
order by run_id, item_id
