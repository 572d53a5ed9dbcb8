-- Texts whose words in the search index are others than those of the text.
with words as (
    select
        0 as run_number,
        search_item.item_number,
        unnest(search_words(concat_ws(
            ' ',
            item.item_id,
            item.question,
            array_to_string(list_transform(item.context, lambda part: part.heading), ' '),
            array_to_string(list_transform(item.context, lambda part: part."text"), ' '),
            array_to_string(list_transform(item.options, lambda part: part."text"), ' ')
        ))) as word
    from every_item as item
    join search_item using (item_id)
    union all
    select
        search_answer.run_number, search_answer.item_number, unnest(search_words(prediction.answer))
    from search_answer
    join search_run using (run_number)
    join search_item using (item_number)
    join stored_prediction as prediction
        on prediction.run_id = search_run.run_id and prediction.item_id = search_item.item_id
)
select distinct null::bigint as number, 'search index' as kind, coalesce(search_item.item_id, '') as row_key
from (select run_number, item_number, word, 1 as side from words
    union all
    select run_number, item_number, word, -1 from search_posting) as posted
left join search_item using (item_number)
group by run_number, item_number, word, search_item.item_id
having sum(side) <> 0
order by row_key
