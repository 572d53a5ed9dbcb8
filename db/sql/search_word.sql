-- The items in which a word from $word up to, not including, $end occurs: in their own texts, in the
-- run's answer or in a note, retracted or not. Of items hidden from the viewer only their own texts
-- are searched.
select search_posting.item_number
from search_posting
where search_posting.word >= $word
    and search_posting.word < $end
    and search_posting.run_number = 0
union all
select found.item_number
from (
    select search_posting.item_number
    from search_posting
    where search_posting.word >= $word
        and search_posting.word < $end
        and search_posting.run_number = (select run_number from search_run where run_id = $run_id)
    union all
    select search_item.item_number
    from (
        select item_id, note from annotation
        union all
        select item_id, note from adjudication
    ) as noted
    join search_item using (item_id)
    where noted.note <> ''
        and contains(lower(strip_accents(replace(noted.note, chr(0), ' '))), $prefix)
        and len(list_filter(search_words(noted.note), lambda one: one >= $word and one < $end)) > 0
) as found
join search_item using (item_number)
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = search_item.item_id
