-- How many items of the test split both runs gave a head label, with a label of record or without.
select item.label_set, count(*)
from prediction as b
join item on item.item_id = b.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = b.item_id
left join prediction as a on a.item_id = b.item_id and a.run_id = $run_a
where b.run_id = $run_b
    and item.split = 'test'
    and b.head_label is not null
    and ($run_a::varchar is null or a.head_label is not null)
group by item.label_set
