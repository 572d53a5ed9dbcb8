-- The words of numbered items: what a reviewer sees of the item itself.
insert into search_posting by name
select
    unnest(search_words(concat_ws(
        ' ',
        item.item_id,
        item.question,
        array_to_string(list_transform(item.context, lambda part: part.heading), ' '),
        array_to_string(list_transform(item.context, lambda part: part."text"), ' '),
        array_to_string(list_transform(item.options, lambda part: part."text"), ' ')
    ))) as word,
    0 as run_number,
    search_item.item_number
from every_item as item
join search_item using (item_id)
where search_item.item_number in (select unnest($numbers::bigint[]))
order by word, item_number
