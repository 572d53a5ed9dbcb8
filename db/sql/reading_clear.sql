-- What our reader found in answers to items of a label set: it is read again with the words of now.
delete from answer_reading
where item_id in (select item_id from every_item where label_set = $label_set)
