insert into out_of_fold by name
select * from incoming_out_of_fold
