-- The items of the test split that both runs gave a head label, with their label of record.
select
    item.item_id, item.label_set, item.labels, gold.label as gold_label,
    a.head_label as label_a, b.head_label as label_b,
    a.head_probabilities as probabilities_a, b.head_probabilities as probabilities_b,
    item.is_several
from prediction as b
join item on item.item_id = b.item_id
join gold on gold.item_id = b.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = b.item_id
left join prediction as a on a.item_id = b.item_id and a.run_id = $run_a
where b.run_id = $run_b
    and item.split = 'test'
    and gold.label is not null
    and b.head_label is not null
    and ($run_a::varchar is null or a.head_label is not null)
order by item.label_set, item.item_id
