-- $hedges: a pattern of words by which an answer takes back some of what it says.
insert into scratch.outcome by name
select
    $run_id as run_id,
    item.item_no,
    has_text_outcome,
    text_label,
    text_form,
    case
        when answer is not null
            then if(regexp_matches(answer, $hedges), 'with hedging words', 'without hedging words')
    end as hedging,
    head_label,
    head_confidence,
    head_probabilities,
    is_learned,
    unseen.basis as unseen_basis,
    case when unseen.basis <> 'own' then unseen.probabilities end as out_of_fold,
    length(answer)::integer as answer_characters,
    case when text_label is not null then (length(answer) - text_end)::integer end
        as characters_past,
    answer_tokens
from read_prediction
join scratch.item as item on item.item_id = read_prediction.item_id
join unseen_prediction as unseen
    on unseen.run_id = $run_id and unseen.item_id = read_prediction.item_id
where read_prediction.run_id = $run_id
order by item.item_no
