cp ~/word ~/copied
