-- $source, $split: null for all. Tokens past the label: tokens of the answer times the share of its
-- characters past the label.
select
    run_id,
    text_form,
    count(*),
    count(characters_past),
    coalesce(sum(characters_past), 0)::bigint,
    count(tokens_past),
    coalesce(sum(answer_tokens) filter (where tokens_past is not null), 0)::bigint,
    coalesce(sum(tokens_past), 0.0),
    coalesce(sum(tokens_past ** 2), 0.0)
from (
    select
        outcome.*,
        answer_tokens * characters_past / nullif(answer_characters, 0)::double as tokens_past
    from scratch.outcome as outcome
    join scratch.item as item on item.item_no = outcome.item_no
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
    where outcome.run_id in (select unnest($run_ids::varchar[]))
        and item.label_set = $label_set
        and ($source::varchar is null or item.source = $source)
        and ($split::varchar is null or item.split = $split)
        and text_form is not null
)
group by run_id, text_form
order by run_id, text_form
